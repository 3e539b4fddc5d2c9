// Package allof decides on several limits as one: a request is admitted if each limit admits it, and is charged to all of
// them or to none.
//
// A limit for each user and one for each tenant, ten a second and a thousand an hour, a budget of requests and one of bytes:
// limiters that are asked one after the other charge the first for a request that the second denies. Here one script
// decides, in one round trip. It takes about 5 % fewer instructions of the server than two single decisions do, and 15 %
// fewer than three, besides the requests that need not be read and answered.
package allof

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/joint"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/scripts"
)

// ErrNotTogether is wrapped by errors that say that the limiters, or the keys of a request, can't be decided as one.
var ErrNotTogether = errors.New("weir: can't be decided together")

// A Limiter admits a request if each of its limiters does. [New] returns one. It is safe for concurrent use.
//
// The methods of algorithms.Limiter take one key and one cost for all limiters. [Limiter.AllowEach] and [Limiter.PeekEach]
// take a key and a cost for each. A Limiter has no method Limit, as it has several.
type Limiter struct {
	limiters []algorithms.Limiter
	parts    []joint.Part
	placer   scripts.Placer // nil for Locals
	one      []string       // the arguments of a request that costs each limiter 1, on the server's clock
}

var _ algorithms.Limiter = (*Limiter)(nil)

// A Request is what one of the limiters is asked: for Cost events of Key.
type Request struct {
	Key  string
	Cost int64
}

// A Decision is the answer to a request that has a key and a cost for each limiter.
type Decision struct {
	// Result is that of the whole: Allowed if each limiter admits, the least Limit and Remaining, and the longest RetryAfter
	// and ResetAfter. RetryAfter is exact: one microsecond sooner the request is denied again.
	Result algorithms.Result

	// Each is the answer of each limiter, in the order of New. If the whole is denied, no limiter has charged anything, and
	// Allowed tells whether that limiter alone would admit its part.
	Each []algorithms.Result
}

// New returns a limiter that admits a request if each of limiters does. They keep their states where they are: a limiter
// may also be used alone, or be part of several Limiters.
//
// The limiters are each an *algorithms.Remote, all of one Runner, or each an *algorithms.Local. Another limiter goes around
// a Limiter and not into it: denialcache.New(all) and fallback.New(all, …), where all is the Limiter. In place of a Limiter,
// New takes the limiters that it was made of.
//
// The error wraps algorithms.ErrNilLimiter if there is no limiter or one is nil, and else [ErrNotTogether] if
//
//   - a limiter is of another type;
//   - some are Remotes and some are Locals;
//   - the Runners differ, or are of a type that can't be compared;
//   - the Runner can't tell where keys live: scripts.PlacerOf returns nil;
//   - two limiters keep one count for a key, as windows of one Period do whatever their Rates: algorithms.WithName lets them
//     count apart;
//   - some have a clock of their own (algorithms.WithClock) and some don't. If all have one, it must be the same clock, which
//     New can't see: that of the first limiter is used.
func New(limiters ...algorithms.Limiter) (*Limiter, error) {
	if len(limiters) == 0 {
		return nil, fmt.Errorf("%w: none was given, want one or more", algorithms.ErrNilLimiter)
	}
	l := &Limiter{limiters: append([]algorithms.Limiter(nil), limiters...)}
	for i, limiter := range limiters {
		if option.IsNil(limiter) {
			return nil, fmt.Errorf("%w: number %d of %d, want a limiter", algorithms.ErrNilLimiter, i+1, len(limiters))
		}
		part, ok := joint.Of(limiter)
		if !ok {
			return nil, fmt.Errorf("%w: number %d is a %T, want an *algorithms.Remote or an *algorithms.Local "+
				"(a cache, a fallback or a middleware goes around all of them)", ErrNotTogether, i+1, limiter)
		}
		l.parts = append(l.parts, part)
	}
	if err := together(l.parts); err != nil {
		return nil, err
	}
	if first := &l.parts[0]; first.Script != nil {
		l.placer = scripts.PlacerOf(first.Caller.Runner())
		if l.placer == nil {
			return nil, fmt.Errorf("%w: a %T can't tell where keys live, want a runner that is a scripts.Placer "+
				"or has a method Unwrap", ErrNotTogether, first.Caller.Runner())
		}
		l.one = l.args("", func(int) int64 { return 1 })
	}
	return l, nil
}

// Allow asks each limiter for one event.
func (l *Limiter) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.AllowN(ctx, key, 1)
}

// AllowN asks each limiter for n events at once, all or nothing. The Result is that of the whole: see [Decision].
func (l *Limiter) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	d, err := l.decide(ctx, same{key, n}, true)
	return d.Result, err
}

// Peek tells the key's present standing, and whether each limiter would admit one event now. It changes nothing.
func (l *Limiter) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.PeekN(ctx, key, 1)
}

// PeekN tells the key's present standing, and whether each limiter would admit n events now. It changes nothing.
func (l *Limiter) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	d, err := l.decide(ctx, same{key, n}, false)
	return d.Result, err
}

// AllowEach asks each limiter for the events of its own request, all or nothing. There is one request for each limiter, in
// the order of New.
//
// All keys must be on one server and, in a cluster, in one slot. Where that isn't known, the error wraps [ErrNotTogether],
// and nothing was charged. On a single server all keys are together. In a cluster and in a ring, equal keys are, and so
// are keys of at most 256 bytes that begin with the same text in braces, such as {acme} and {acme}:alice.
//
// Another number of requests is algorithms.ErrInvalidCost, as a cost is missing or too many are given. The errors for a cost
// are those of the limiter and name it. In all these cases nothing was sent.
func (l *Limiter) AllowEach(ctx context.Context, requests ...Request) (Decision, error) {
	return l.decide(ctx, each(requests), true)
}

// PeekEach tells the present standing of each key, and whether AllowEach would admit the requests now. It changes nothing.
// The errors are those of AllowEach.
func (l *Limiter) PeekEach(ctx context.Context, requests ...Request) (Decision, error) {
	return l.decide(ctx, each(requests), false)
}

// Reset forgets the key under each limit, all at once.
func (l *Limiter) Reset(ctx context.Context, key string) error {
	if l.placer == nil {
		return l.forget(ctx, key)
	}
	keys, err := l.keys(ctx, same{Key: key})
	if err != nil {
		return err
	}
	reply, err := l.parts[0].Caller.CallAll(ctx, scripts.AllOfReset, keys, nil)
	if err != nil {
		return apart(err)
	}
	return scripts.AllOfReset.CheckReply(reply)
}

// Local returns the Limiter of each limiter's Local, for when the server is away. Each call returns a Limiter over the same
// stores.
func (l *Limiter) Local() (algorithms.Limiter, error) {
	if l.placer == nil {
		return l, nil
	}
	locals := make([]algorithms.Limiter, len(l.limiters))
	for i, limiter := range l.limiters {
		local, err := limiter.(*algorithms.Remote).Local()
		if err != nil {
			return nil, l.named(i, err)
		}
		locals[i] = local
	}
	return New(locals...)
}

// asked are the requests for the limiters.
type asked interface {
	of(limiters int) int // how many there are
	at(i int) Request
}

// same is one request for all limiters.
type same Request

func (s same) of(limiters int) int { return limiters }
func (s same) at(int) Request      { return Request(s) }

// each is a request for each limiter.
type each []Request

func (e each) of(int) int       { return len(e) }
func (e each) at(i int) Request { return e[i] }

func (l *Limiter) decide(ctx context.Context, requests asked, commit bool) (Decision, error) {
	if n := requests.of(len(l.parts)); n != len(l.parts) {
		return Decision{}, fmt.Errorf("%w: %d requests for %d limiters, want one for each", algorithms.ErrInvalidCost, n, len(l.parts))
	}
	for i := range l.parts {
		if err := l.parts[i].Check(requests.at(i).Cost); err != nil {
			return Decision{}, l.named(i, err)
		}
	}
	decide := l.onServer
	if l.placer == nil {
		decide = l.inProcess
	}
	standings, err := decide(ctx, requests, commit)
	if err != nil {
		return Decision{}, err
	}
	return l.decision(standings), nil
}

// named says whose error it is, if there are several limiters.
func (l *Limiter) named(i int, err error) error {
	if len(l.parts) == 1 {
		return err
	}
	return fmt.Errorf("limiter %d of %d, %s: %w", i+1, len(l.parts), l.parts[i].Rule.Identity(), err)
}

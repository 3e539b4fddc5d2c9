// Package allof decides on several limits as one: a request is admitted if each limit admits it, and is charged to all of
// them or to none.
//
// Examples are a limit for each user and one for each tenant, ten a second and a thousand an hour, or a budget of requests
// and one of bytes. If two such limiters are asked one after the other, the first has already charged a request that the
// second denies. Here one script decides in one round trip. The script takes the server about 5 % fewer instructions than two
// single decisions, and 15 % fewer than three. The server also has fewer requests to read and to answer.
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

// A Request asks one of the limiters for Cost events of Key.
type Request struct {
	Key  string
	Cost int64
}

// A Decision is the answer to a request that has a key and a cost for each limiter.
type Decision struct {
	// Result is the answer as a whole: Allowed if each limiter admits, the smallest Limit and Remaining, and the longest
	// RetryAfter and ResetAfter. RetryAfter is exact: one microsecond sooner the request is denied again.
	Result algorithms.Result

	// Each has the answer of each limiter, in the order of New. If the request is denied as a whole, no limiter has charged
	// anything, and Allowed tells whether that limiter alone would admit its part.
	Each []algorithms.Result
}

// New returns a limiter that admits a request if each of limiters does. Each of them keeps its own state: it may also be used
// alone, or be part of several Limiters.
//
// The limiters must all be *algorithms.Remote of one Runner, or all be *algorithms.Local. A wrapper such as denialcache or
// fallback goes around a Limiter, and not around its parts: denialcache.New(all), where all is the Limiter. A Limiter can't be
// part of another one: give New the parts of both.
//
// The error wraps algorithms.ErrNilLimiter if there is no limiter or one is nil. It wraps [ErrNotTogether] if
//
//   - a limiter is of another type;
//   - some are Remotes and some are Locals;
//   - the Runners differ, or are of a type that can't be compared;
//   - the Runner can't tell where keys live: scripts.PlacerOf returns nil;
//   - two limiters share one count for a key, as fixed windows of equal Periods do, even if their Rates differ:
//     algorithms.WithName lets them count separately;
//   - some have a clock of their own (algorithms.WithClock) and some don't. If all have one, it must be the same clock. New
//     can't check that, and uses the clock of the first limiter.
func New(limiters ...algorithms.Limiter) (*Limiter, error) {
	if len(limiters) == 0 {
		return nil, fmt.Errorf("%w: none was given, want one or more", algorithms.ErrNilLimiter)
	}
	l := &Limiter{limiters: append([]algorithms.Limiter(nil), limiters...)}
	for i, limiter := range limiters {
		if option.IsNil(limiter) {
			return nil, fmt.Errorf("%w: limiter %d of %d is nil", algorithms.ErrNilLimiter, i+1, len(limiters))
		}
		part, ok := joint.Of(limiter)
		if !ok {
			return nil, fmt.Errorf("%w: limiter %d is a %T, want an *algorithms.Remote or an *algorithms.Local "+
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

// Peek tells whether each limiter would admit one event now, and how much of the key's limits is left. It changes nothing.
func (l *Limiter) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.PeekN(ctx, key, 1)
}

// PeekN tells whether each limiter would admit n events now, and how much of the key's limits is left. It changes nothing.
func (l *Limiter) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	d, err := l.decide(ctx, same{key, n}, false)
	return d.Result, err
}

// AllowEach asks each limiter for the events of its own request, all or nothing. There is one request for each limiter, in
// the order of New.
//
// All keys must be on one server and, in a cluster, in one slot. If that isn't known, the error wraps [ErrNotTogether], and
// nothing was charged. On a single server all keys are together. In a cluster or a ring, equal keys are together, and so are
// keys of at most 256 bytes that begin with the same text in braces, such as {acme} and {acme}:alice.
//
// The error wraps algorithms.ErrInvalidCost if there are more or fewer requests than limiters. An error about a cost is the
// error of the limiter that it was meant for, and says which one that is. Nothing is sent in these cases.
func (l *Limiter) AllowEach(ctx context.Context, requests ...Request) (Decision, error) {
	return l.decide(ctx, each(requests), true)
}

// PeekEach tells whether AllowEach would admit the requests now, and how much of each key's limit is left. It changes
// nothing. The errors are those of AllowEach.
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

// Local returns a Limiter of the Locals of its limiters, for use while the server is away. Each call returns a Limiter over
// the same stores.
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

// asked has a request for each limiter.
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

// named adds to an error which limiter returned it, if there are several.
func (l *Limiter) named(i int, err error) error {
	if len(l.parts) == 1 {
		return err
	}
	return fmt.Errorf("limiter %d of %d, %s: %w", i+1, len(l.parts), l.parts[i].Rule.Identity(), err)
}

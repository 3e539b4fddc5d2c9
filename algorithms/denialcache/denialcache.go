// Package denialcache remembers the denials of a limiter in this process, so that callers which are denied often cost the
// server fewer calls.
package denialcache

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
)

// A Limiter remembers the denials of the limiter behind it, and repeats them without asking it again. [New] returns one. It
// is safe for concurrent use.
type Limiter struct {
	behind  algorithms.Limiter
	longest int64                 // how long a denial is repeated at most, ns
	now     func() (int64, error) // the time, ns
	unseen  int64                 // by how much a wait of the limiter behind may be shorter than it says, ns
	denials *denialTable
}

var _ algorithms.Limiter = (*Limiter)(nil)

// New returns a limiter that asks the one behind it and remembers each denial. Until the time that RetryAfter names,
// further requests of that key which cost as much or more are denied in this process, without a call. It is for limiters
// on a server, where callers that are denied often ask most: a loop that doesn't wait, a scraper, an attack. Admitted
// requests cost the same as without the cache.
//
// # What doesn't change
//
// Only the limiter behind admits requests. A request is denied here only if the limiter behind would deny it at that
// moment, except as said below. The server decided at some time between the beginning and the end of the call. The cache
// counts the wait from the beginning, so that it never denies too long. The limiter behind is asked about costs below the one
// that was denied, about costs below 1 or above Result.Limit, and about requests whose context has ended. Its errors are
// returned unchanged, and are not remembered.
//
// Peek and PeekN always ask the limiter behind. Reset forgets the key here too: a denial that was decided before the Reset,
// and whose answer comes after it, is not remembered.
//
// # The fields of a denial from the cache
//
//   - Limit is that of the limiter behind.
//   - Remaining is what it was when the request was denied. For a cost of 1 that is 0, and still is. For a larger cost it
//     may have grown since, as time has passed, or shrunk, as other requests were admitted. It is below that cost either
//     way.
//   - RetryAfter is what is left of the wait, counted from the end of the call that was denied. So a caller that waits for
//     it is never too early, and too late by at most the duration of that call. If the cost is larger than the one that was
//     denied, or other requests were admitted meanwhile, RetryAfter is a lower bound: a caller that comes back too early gets
//     the exact wait from the limiter behind.
//   - ResetAfter is what is left of the denial's ResetAfter, counted the same way. It is a lower bound if other requests
//     were admitted meanwhile.
//
// # Changes that go unnoticed
//
// This Limiter doesn't notice some changes that make room for requests: a Reset or a settlement of a reservation in another
// process or through another limiter, a new setting of the server's clock, and a server that has lost the key. It notices
// them after at most a second, or the time that [MaxAge] sets.
//
// A Limiter has no With. A limiter of another limit needs a cache of its own: make one for each plan, not one for each
// request.
//
// # What it costs
//
// At most 65,536 keys are remembered, or as many as [MaxKeys] sets. Each takes 8 bytes from the start, and with its first
// denial 80 bytes and a copy of the key. With keys of 17 bytes that is half a MiB, and 7 MiB when the cache is full. Keys
// above 256 bytes are not remembered: the limiter behind is asked each time. If there is no room for a denial, the cache
// looks at up to eight others and drops the one that ends first. A denial from the cache allocates nothing and takes no
// lock, so that all processors can deny a single key at once. There is no goroutine, and nothing to close.
//
// The errors of New wrap algorithms.ErrInvalidOption, or algorithms.ErrNilLimiter if limiter is nil.
func New(limiter algorithms.Limiter, opts ...Option) (*Limiter, error) {
	if option.IsNil(limiter) {
		return nil, fmt.Errorf("%w: want one to ask", algorithms.ErrNilLimiter)
	}
	settings, err := settingsOf(opts)
	if err != nil {
		return nil, err
	}
	cache := &Limiter{behind: limiter, longest: int64(settings.age), denials: newDenialTable(settings.keys)}
	if settings.clock == nil {
		cache.onNanoseconds(monotonic())
	} else {
		clock := option.Settings{Clock: settings.clock}
		cache.now = func() (int64, error) {
			us, err := clock.Now()
			return us * 1000, err
		}
	}
	return cache, nil
}

// monotonic returns the process' own clock.
func monotonic() func() (int64, error) {
	began := time.Now()
	return func() (int64, error) { return int64(time.Since(began)), nil }
}

// onNanoseconds sets a clock that is finer than those of the limiters behind, which count in whole microseconds. The true
// wait may be up to a microsecond shorter than such a limiter says, as its beginning and its end are rounded.
func (c *Limiter) onNanoseconds(now func() (int64, error)) {
	c.now, c.unseen = now, int64(time.Microsecond)
}

// Allow asks for one event.
func (c *Limiter) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	refusal, asked, refused := c.refuse(ctx, key, 1)
	if refused {
		return refusal, nil
	}
	result, err := c.behind.Allow(ctx, key)
	c.learn(asked, key, 1, result, err)
	return result, err
}

// AllowN asks for n events at once, all or nothing.
func (c *Limiter) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	refusal, asked, refused := c.refuse(ctx, key, n)
	if refused {
		return refusal, nil
	}
	result, err := c.behind.AllowN(ctx, key, n)
	c.learn(asked, key, n, result, err)
	return result, err
}

// Peek asks the limiter behind.
func (c *Limiter) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return c.behind.Peek(ctx, key)
}

// PeekN asks the limiter behind.
func (c *Limiter) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return c.behind.PeekN(ctx, key, n)
}

// Reset forgets the key, here and in the limiter behind. If the latter fails, the key has still been forgotten here.
func (c *Limiter) Reset(ctx context.Context, key string) error {
	if len(key) > longestDenialKey {
		return c.behind.Reset(ctx, key)
	}
	hash := c.denials.hash(key)
	c.denials.beginReset(hash, key)
	defer c.denials.endReset(hash)
	return c.behind.Reset(ctx, key)
}

// Limit returns the limit of the limiter behind, or the zero Limit if that has no method Limit.
func (c *Limiter) Limit() algorithms.Limit {
	if behind, ok := c.behind.(interface{ Limit() algorithms.Limit }); ok {
		return behind.Limit()
	}
	return algorithms.Limit{}
}

// Local returns the Local of the limiter behind. The error wraps algorithms.ErrNoLocal if that has no method Local.
func (c *Limiter) Local() (algorithms.Limiter, error) {
	if behind, ok := c.behind.(interface {
		Local() (algorithms.Limiter, error)
	}); ok {
		return behind.Local()
	}
	return nil, fmt.Errorf("%w: %T has no method Local", algorithms.ErrNoLocal, c.behind)
}

// A question is a request that is passed on to the limiter behind.
type question struct {
	began  int64 // a time at or slightly before the beginning of the request
	hash   uint64
	resets uint64 // see denialTable.keep
	learn  bool   // whether its answer can be remembered
}

// refuse returns the refusal of a request of cost n if a denial is remembered, and otherwise the question to ask.
func (c *Limiter) refuse(ctx context.Context, key string, n int64) (refusal algorithms.Result, asked question, refused bool) {
	if len(key) > longestDenialKey {
		return algorithms.Result{}, question{}, false
	}
	hash := c.denials.hash(key)
	held := c.denials.find(hash, key)
	// The clock is read after the denial. So a denial that begins later than now was made before the clock went back.
	now, err := c.now()
	if err != nil {
		return algorithms.Result{}, question{}, false // the limiter behind has the same clock, and returns the error
	}
	switch {
	case held == nil:
	case !held.live(now):
		c.denials.drop(held) // so that it doesn't apply again if the clock goes back
	case held.cost <= n && n <= held.limit && ctx.Err() == nil:
		return held.result(now), question{}, true
	}
	return algorithms.Result{}, question{now - c.unseen, hash, c.denials.resets(hash), true}, false
}

// learn remembers the answer to a request of cost n, if it is a denial.
func (c *Limiter) learn(asked question, key string, n int64, result algorithms.Result, err error) {
	// Other limiters than Weir's may return longer times, which must not overflow.
	if !asked.learn || err != nil || result.Allowed || n < 1 || max(result.RetryAfter, result.ResetAfter) > maxAge {
		return
	}
	now, err := c.now()
	until := asked.began + min(int64(result.RetryAfter), c.longest)
	if err != nil || now < asked.began || now >= until {
		return
	}
	c.denials.keep(&denial{
		key:       key,
		hash:      asked.hash,
		cost:      n,
		limit:     result.Limit,
		remaining: result.Remaining,
		from:      asked.began,
		until:     until,
		retry:     now + int64(result.RetryAfter),
		reset:     now + int64(result.ResetAfter),
	}, asked.resets, now)
}

package algorithms

import (
	"context"
	"fmt"
	"time"
)

// A DenialCache is a [Limiter] that remembers the refusals of the limiter behind it, and repeats them
// without asking it again: see [CacheDenials], which makes one. It is safe for concurrent use.
type DenialCache struct {
	behind  Limiter
	longest int64                 // how long a denial is repeated at most, ns
	now     func() (int64, error) // the time, ns
	unseen  int64                 // how much less than on that clock may have passed behind, ns
	denials *denialTable
}

var _ Limiter = (*DenialCache)(nil)

// CacheDenials returns a limiter that asks the one behind it and remembers each denial: until the time
// that RetryAfter names, further requests of that key which cost as much or more are refused in this
// process, without a call. It is for limiters on a server, whose most eager callers are often those who
// are denied: a loop that doesn't wait, a scraper, an attack. What isn't denied costs what it did.
//
// # What stays as it was
//
// Nothing is admitted but by the limiter behind, and nothing is refused that it would admit at that
// moment, except as said below. The server has decided at some time between the beginning and the end
// of the call; requests are refused here only while the wait would not be over if it had been at the
// beginning. Smaller costs than the one denied are asked for. So are costs below 1 or above
// Result.Limit, and all requests whose context has ended: errors are those of the limiter behind,
// unchanged, and are not remembered.
//
// Peek is answered from the cache where Allow would be, and adds nothing to it. Reset forgets the key
// here too: a denial that was decided before it, and whose answer comes after it, is not remembered.
//
// # What a refusal from the cache says
//
//   - Limit: as the limiter behind has said.
//   - Remaining: what it was when the request was denied. For a cost of 1 that is 0, and still is. For
//     a larger cost it may have grown since, by what has come back, or shrunk, by what others were
//     admitted; it is below that cost either way.
//   - RetryAfter: what is left of the wait, counted from the end of the call that was denied, so that
//     who waits is not too early; too late at most by the time that call took. For a larger cost than
//     the one denied, or if others were admitted meanwhile, it is a lower bound: who comes back then
//     and is too early is told so, exactly, by the limiter behind.
//   - ResetAfter: what is left of it, counted alike; a lower bound if others were admitted meanwhile.
//
// # What goes unnoticed
//
// What makes room other than by the passing of time, or by a Reset through this DenialCache, goes
// unnoticed for at most a second, or the time that [WithCacheTime] sets: a Reset in another process or
// through another limiter, a limit that is raised, a server whose clock is set or whose data is lost.
// A limiter's With makes another limiter, of another limit: give each a DenialCache of its own, one a
// plan and not one a request.
//
// # What it costs
//
// At most 65,536 keys are remembered, or as many as [WithCacheKeys] sets: 8 bytes each from the start,
// and with the first denial 80 bytes and a copy of the key. With keys of 17 bytes that is half a MiB,
// and 7 MiB when it is full. Keys above 256 bytes are not remembered, but asked for each time. Where
// there is no room, a denial that ends soon makes it, and its key is asked for again. A refusal from
// the cache allocates nothing and takes no lock, so that all processors can refuse a single key at
// once. There is no goroutine, and nothing to close.
//
// # Options and errors
//
// The options are [WithCacheTime], [WithCacheKeys] and [WithClock]: over a limiter that has a clock of
// its own, a DenialCache needs the same. Without, it goes by the process' monotonic clock. WithPrefix
// and WithName have no effect. The errors wrap [ErrInvalidOption], or [ErrNilLimiter] if limiter is nil.
func CacheDenials(limiter Limiter, opts ...Option) (*DenialCache, error) {
	if limiter == nil {
		return nil, fmt.Errorf("%w: want one to ask", ErrNilLimiter)
	}
	settings, err := NewSettings(denialCache, opts...)
	if err != nil {
		return nil, err
	}
	switch {
	case settings.CacheTime <= 0 || settings.CacheTime > maxSpan:
		return nil, fmt.Errorf("%w: cache time is %v, want above 0 to %v", ErrInvalidOption, settings.CacheTime, maxSpan)
	case settings.CacheKeys < 1 || settings.CacheKeys > maxCacheKeys:
		return nil, fmt.Errorf("%w: cache keys are %d, want 1 to %d", ErrInvalidOption, settings.CacheKeys, maxCacheKeys)
	}
	cache := &DenialCache{behind: limiter, longest: int64(settings.CacheTime), denials: newDenialTable(settings.CacheKeys)}
	if settings.Clock == nil {
		cache.onNanoseconds(monotonic())
	} else {
		cache.now = func() (int64, error) {
			us, err := settings.Now()
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

// onNanoseconds sets a clock that is finer than those of the limiters behind, which count in whole
// microseconds: what was decided late in the one in which a wait begins fits early in the one in
// which it ends.
func (c *DenialCache) onNanoseconds(now func() (int64, error)) {
	c.now, c.unseen = now, int64(time.Microsecond)
}

// Allow asks for one event.
func (c *DenialCache) Allow(ctx context.Context, key string) (Result, error) {
	refusal, asked, refused := c.refuse(ctx, key, 1)
	if refused {
		return refusal, nil
	}
	result, err := c.behind.Allow(ctx, key)
	c.learn(asked, key, 1, result, err)
	return result, err
}

// AllowN asks for n events at once, all or nothing.
func (c *DenialCache) AllowN(ctx context.Context, key string, n int64) (Result, error) {
	refusal, asked, refused := c.refuse(ctx, key, n)
	if refused {
		return refusal, nil
	}
	result, err := c.behind.AllowN(ctx, key, n)
	c.learn(asked, key, n, result, err)
	return result, err
}

// Peek returns what Allow would return now, and changes nothing. It is answered from the cache as Allow
// is, but no refusal of its own is remembered: after the server's clock has gone back, a request that
// is denied puts the key's state right, which a Peek leaves as it is. Were Allow refused because a Peek
// was, it might never come to that.
func (c *DenialCache) Peek(ctx context.Context, key string) (Result, error) {
	if refusal, _, refused := c.refuse(ctx, key, 1); refused {
		return refusal, nil
	}
	return c.behind.Peek(ctx, key)
}

// Reset forgets the key, here and behind. Where it fails behind, it has still been forgotten here.
func (c *DenialCache) Reset(ctx context.Context, key string) error {
	if len(key) > longestDenialKey {
		return c.behind.Reset(ctx, key)
	}
	hash := c.denials.hash(key)
	c.denials.beginReset(hash, key)
	defer c.denials.endReset(hash)
	return c.behind.Reset(ctx, key)
}

// Limit returns the limit of the limiter behind, or the zero Limit if that can't tell.
func (c *DenialCache) Limit() Limit {
	if behind, ok := c.behind.(interface{ Limit() Limit }); ok {
		return behind.Limit()
	}
	return Limit{}
}

// A question is one that the limiter behind is going to be asked.
type question struct {
	began  int64 // the time, or somewhat before it
	hash   uint64
	resets uint64 // see denialTable.keep
	learn  bool   // whether its answer can be remembered
}

// refuse returns the refusal of a request of cost n, if one is remembered; else a question.
func (c *DenialCache) refuse(ctx context.Context, key string, n int64) (refusal Result, asked question, refused bool) {
	if len(key) > longestDenialKey {
		return Result{}, question{}, false
	}
	hash := c.denials.hash(key)
	held := c.denials.find(hash, key)
	// The clock is read after what is held: what begins later yet was made before the clock went back.
	now, err := c.now()
	if err != nil {
		return Result{}, question{}, false // the limiter behind has the same clock, and says why
	}
	switch {
	case held == nil:
	case !held.live(now):
		c.denials.drop(held) // so that it is over for good, also where the clock goes back
	case held.cost <= n && n <= held.limit && ctx.Err() == nil:
		return held.result(now), question{}, true
	}
	return Result{}, question{now - c.unseen, hash, c.denials.resets(hash), true}, false
}

// learn remembers the answer to a request of cost n, if it is a denial.
func (c *DenialCache) learn(asked question, key string, n int64, result Result, err error) {
	// Weir's own limiters never tell of longer times; those of others must not overflow.
	if !asked.learn || err != nil || result.Allowed || n < 1 || max(result.RetryAfter, result.ResetAfter) > maxSpan {
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

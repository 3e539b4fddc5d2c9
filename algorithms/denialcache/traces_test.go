package denialcache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
)

// A world is a cache around a limiter. Time passes on the way to the limiter and back, and other calls are made meanwhile. A
// second limiter without a cache, bare, decides on the same requests at the same moments.
type world struct {
	*rapid.T
	clock    *limitertest.Clock
	cache    *denialcache.Limiter
	served   algorithms.Limiter // behind the cache
	bare     algorithms.Limiter
	capacity int64
	span     time.Duration // about as long as a wait under the limit can be
	longest  time.Duration // how long a denial is repeated at most: the cache time
	slowest  time.Duration // the longest time from a decision to its answer so far

	under     int                      // calls under way
	resets    int                      // Resets that have begun or ended, through the cache
	changed   map[string]time.Duration // when a key was last charged or reset
	elsewhere map[string]time.Duration // when a key was last reset without the cache; nil: this is never done
}

// A visit says whether a call reached the limiter behind, and what that limiter returned. The call's context has it.
type visit struct {
	came   bool
	result algorithms.Result
}

type visitKey struct{}

// now is the time since the world began.
func (w *world) now() time.Duration { return w.clock.Now().Sub(begin) }

// pass lets time pass on the way of a call. Sometimes it makes another call meanwhile.
func (w *world) pass() {
	w.clock.Advance(w.time("way", 4))
	if w.under < 3 && rapid.IntRange(0, 3).Draw(w.T, "others") == 0 {
		w.call()
		w.clock.Advance(w.time("way", 4))
	}
}

// time draws a duration of up to the span divided by part. It is often 0.
func (w *world) time(name string, part int64) time.Duration {
	return time.Duration(rapid.Int64Range(0, 1+w.span.Microseconds()/part).Draw(w.T, name)) * time.Microsecond
}

// An ask is a request to the cache or to a limiter.
type ask func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error)

func peek(key string, n int64) ask {
	return func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) {
		return l.PeekN(ctx, key, n)
	}
}

func allow(key string, n int64) ask {
	return func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) {
		return l.AllowN(ctx, key, n)
	}
}

// behind is the limiter that the cache asks.
type behind struct{ *world }

func (b behind) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return b.serve(ctx, key, allow(key, 1))
}

func (b behind) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return b.serve(ctx, key, allow(key, n))
}

func (b behind) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return b.PeekN(ctx, key, 1)
}

func (b behind) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return b.serve(ctx, key, peek(key, n))
}

func (b behind) Reset(_ context.Context, key string) error {
	b.under++
	b.pass()
	b.reset(key)
	b.pass()
	b.under--
	return nil
}

// serve lets both limiters decide on a request. They must agree.
func (w *world) serve(ctx context.Context, key string, ask ask) (algorithms.Result, error) {
	w.under++
	w.pass()
	at := w.now()
	r, err := w.both(key, ask)
	*ctx.Value(visitKey{}).(*visit) = visit{true, r}
	w.pass()
	w.slowest = max(w.slowest, w.now()-at)
	w.under--
	return r, err
}

func (w *world) both(key string, ask ask) (algorithms.Result, error) {
	r, err := ask(context.Background(), w.served)
	if bare, bareErr := ask(context.Background(), w.bare); r != bare || (err == nil) != (bareErr == nil) {
		w.Fatalf("%q at %v: %+v, %v, without a cache %+v, %v", key, w.now(), r, err, bare, bareErr)
	}
	if r.Allowed {
		w.changed[key] = w.now()
	}
	return r, err
}

// reset resets the key in both limiters.
func (w *world) reset(key string) {
	for _, l := range []algorithms.Limiter{w.served, w.bare} {
		if err := l.Reset(context.Background(), key); err != nil {
			w.Fatal(err)
		}
	}
	w.changed[key] = w.now()
}

// call makes one call through the cache.
func (w *world) call() {
	key := rapid.SampledFrom([]string{"a", "b"}).Draw(w.T, "key")
	switch what := rapid.IntRange(0, 19).Draw(w.T, "call"); {
	case what == 0:
		w.resets++
		if err := w.cache.Reset(context.Background(), key); err != nil {
			w.Fatal(err)
		}
		w.resets++
	case what == 1 && w.elsewhere != nil:
		w.reset(key)
		w.elsewhere[key] = w.now()
	case what < 5:
		n := rapid.Int64Range(1, w.capacity).Draw(w.T, "cost")
		if _, came := w.request(key, n, peek(key, n)); !came {
			w.Fatalf("%q: a Peek was answered from the cache", key)
		}
	default:
		n := rapid.Int64Range(0, w.capacity+1).Draw(w.T, "cost")
		w.request(key, n, allow(key, n))
	}
}

// request makes a request of cost n through the cache, and reports whether it reached the limiter behind. If it did, the
// cache must return that limiter's answer. If it didn't, the cache's answer is compared with what the bare limiter says at
// that moment.
func (w *world) request(key string, n int64, ask ask) (r algorithms.Result, came bool) {
	v, at := &visit{}, w.now()
	r, err := ask(context.WithValue(context.Background(), visitKey{}, v), w.cache)
	if v.came {
		if r != v.result || (err == nil) != (n >= 1 && n <= w.capacity) {
			w.Fatalf("%q, cost %d at %v: %+v, %v, from behind came %+v", key, n, at, r, err, v.result)
		}
		return r, true
	}
	if err != nil || r.Allowed || w.now() != at {
		w.Fatalf("%q, cost %d at %v: %+v, %v from the cache, at %v", key, n, at, r, err, w.now())
	}
	changed, known := w.changed[key]
	bare, err := w.both(key, ask) // both are asked, so that their states remain equal
	if reset, done := w.elsewhere[key]; done && at-reset < w.longest {
		return r, false
	}
	if err != nil || bare.Allowed || r.Limit != bare.Limit || r.Remaining >= n || r.RetryAfter <= 0 || r.ResetAfter < r.RetryAfter ||
		r.RetryAfter > bare.RetryAfter+w.slowest || r.ResetAfter > bare.ResetAfter+w.slowest {
		w.Fatalf("%q, cost %d at %v: %+v from the cache, without one %+v, %v; the slowest answer took %v", key, n, at, r, bare, err, w.slowest)
	}
	if cost, from := denialcache.HeldOf(w.cache, key); n == cost && known && changed < from.Sub(begin) &&
		(r.RetryAfter < bare.RetryAfter || r.ResetAfter < bare.ResetAfter) {
		w.Fatalf("%q, cost %d at %v: %+v is too early, without a cache %+v", key, n, at, r, bare)
	}
	return r, false
}

// step makes a call that isn't part of another one, or it makes the same request twice. If the first of the two is denied,
// the second must be answered from the cache, unless there was a Reset, or the wait or the cache time is over.
func (w *world) step() {
	w.clock.Advance(w.time("pause", 1))
	if rapid.IntRange(0, 2).Draw(w.T, "repeat") > 0 {
		w.call()
		return
	}
	key, n := rapid.SampledFrom([]string{"a", "b"}).Draw(w.T, "key"), rapid.Int64Range(1, w.capacity).Draw(w.T, "cost")
	began, resets := w.now(), w.resets
	r, came := w.request(key, n, allow(key, n))
	held := !r.Allowed && came && w.now() < began+min(r.RetryAfter, w.longest) && w.resets == resets
	if _, came := w.request(key, n, allow(key, n)); came && held {
		w.Fatalf("%q, cost %d: denied from %v on with %+v, and asked for again at %v", key, n, began, r, w.now())
	}
}

// TestCachedTraces: however calls overlap, and however long they take, the cache admits the same requests as the limiter
// without a cache. If a key is reset without the cache, this is true again after the cache time.
func TestCachedTraces(t *testing.T) {
	for name, room := range rooms {
		for _, behindItsBack := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, resets elsewhere %v", name, behindItsBack), rapid.MakeCheck(func(rt *rapid.T) {
				trace(t, rt, room, behindItsBack)
			}))
		}
	}
}

func trace(t *testing.T, rt *rapid.T, room algorithmtest.Algorithm, behindItsBack bool) {
	limit := algorithms.Limit{
		Rate:   rapid.Int64Range(1, 8).Draw(rt, "rate"),
		Period: time.Duration(rapid.Int64Range(1, 60).Draw(rt, "period")) * time.Microsecond,
	}
	if burst := rapid.Int64Range(0, 8).Draw(rt, "burst"); room.Bursts() {
		limit.Burst = burst
	}
	w := &world{T: rt, clock: limitertest.NewClock(begin), changed: map[string]time.Duration{}, span: limit.Period}
	if behindItsBack {
		w.elsewhere = map[string]time.Duration{}
	}
	w.longest = time.Duration(rapid.Int64Range(1, 100).Draw(rt, "cache time")) * time.Microsecond
	for _, l := range []*algorithms.Limiter{&w.served, &w.bare} {
		var err error
		if *l, err = room.Local(limit, algorithms.WithClock(w.clock.Now)); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := w.served.Peek(context.Background(), "fresh")
	if err != nil {
		t.Fatal(err)
	}
	w.capacity = fresh.Limit
	w.cache, err = denialcache.New(behind{w}, denialcache.WithClock(w.clock.Now), denialcache.MaxAge(w.longest), denialcache.MaxKeys(16))
	if err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(1, 60).Draw(rt, "steps") {
		w.step()
	}
}

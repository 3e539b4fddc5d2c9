package denialcache_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
)

// TestCachedUntil: a denial is repeated until its wait, counted from the beginning of the call, is over. Its RetryAfter is
// counted from the end of the call.
func TestCachedUntil(t *testing.T) {
	const ms, us = time.Millisecond, time.Microsecond
	c := overGCRA(t, algorithms.Per(1, 100*ms))
	c.want(1, algorithms.Result{Allowed: true, Limit: 1, ResetAfter: 100 * ms}, true)
	c.behind.before = func() { c.Advance(2 * ms) }
	c.behind.after = func() { c.Advance(3 * ms) }
	denied := func(left time.Duration) algorithms.Result {
		return algorithms.Result{Limit: 1, RetryAfter: left, ResetAfter: left}
	}
	c.Advance(10 * ms)
	c.want(1, denied(88*ms), true) // a call from 10 to 15 ms, decided at 12
	for _, step := range []struct{ on, left time.Duration }{
		{0, 88 * ms},
		{us, 88*ms - us},
		{50 * ms, 38*ms - us},
		{33*ms - 2*us, 5*ms + us}, // at 97.999
	} {
		c.Advance(step.on)
		c.want(1, denied(step.left), false)
	}
	c.Advance(us)
	c.behind.before = func() { c.Advance(2*ms - us) } // decided a microsecond too early
	c.want(1, denied(us), true)                       // and the answer comes too late to be repeated
	if held := denialcache.HeldBy(c.Limiter); len(held) != 0 {
		t.Errorf("%q held, though it was over when it came", held)
	}
	c.want(1, algorithms.Result{Allowed: true, Limit: 1, ResetAfter: 100 * ms}, true)
}

// TestCachedWaitIsNotTooEarly: a caller that waits for the RetryAfter of a denial from the cache is admitted.
func TestCachedWaitIsNotTooEarly(t *testing.T) {
	c := overGCRA(t, algorithms.PerSecond(7))
	for range 8 {
		if _, err := c.Allow(context.Background(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(3 * time.Microsecond)
	r, err := c.Allow(context.Background(), "k")
	if err != nil || r.Allowed || c.behind.asked != 8 {
		t.Fatalf("%+v, %v, asked %d times, want a cached refusal", r, err, c.behind.asked)
	}
	c.Advance(r.RetryAfter - time.Microsecond)
	if r, err := c.Allow(context.Background(), "k"); err != nil || r.Allowed || r.RetryAfter != time.Microsecond {
		t.Errorf("a microsecond sooner %+v, %v", r, err)
	}
	c.Advance(time.Microsecond)
	if r, err := c.Allow(context.Background(), "k"); err != nil || !r.Allowed {
		t.Errorf("after the wait %+v, %v, want it allowed", r, err)
	}
}

// TestCachedNanoseconds: the limiter behind counts in whole microseconds. The cache doesn't deny a request in the
// microsecond in which that limiter would admit it. RetryAfter is rounded up.
func TestCachedNanoseconds(t *testing.T) {
	now := int64(10_900)
	behind, err := gcra.NewLocal(algorithms.Per(1, 5*time.Microsecond), algorithms.WithClock(func() time.Time { return time.Unix(0, now) }))
	if err != nil {
		t.Fatal(err)
	}
	counted := &distant{behind, func() {}, func() {}, 0}
	c, err := denialcache.New(counted)
	if err != nil {
		t.Fatal(err)
	}
	denialcache.OnNanoseconds(c, func() int64 { return now })
	for i, step := range []struct {
		now   int64
		want  time.Duration // to wait; 0: it is admitted
		asked int
	}{
		{10_900, 0, 1},
		{10_950, 5 * time.Microsecond, 2}, // decided at 10 µs: denied until 15
		{10_951, 5 * time.Microsecond, 2},
		{11_949, 5 * time.Microsecond, 2},
		{11_950, 4 * time.Microsecond, 2},
		{14_949, 2 * time.Microsecond, 2}, // RetryAfter counts from the end of the call, 10.95 µs, to 15.95
		{14_950, 1 * time.Microsecond, 3},
		{14_999, 1 * time.Microsecond, 4}, // a denial for 1 µs isn't held, as its wait might be over at once
		{15_000, 0, 5},
	} {
		now = step.now
		r, err := c.Allow(context.Background(), "k")
		if err != nil || r.Allowed != (step.want == 0) || r.RetryAfter != step.want || counted.asked != step.asked {
			t.Errorf("step %d, at %d ns: %+v, %v, asked %d times, want it to wait %v, asked %d times", i, step.now, r, err, counted.asked, step.want, step.asked)
		}
	}
}

// TestCachedCosts: a request of an equal or larger cost is denied, and the limiter is asked about a smaller one. Of two denials
// the one of the smaller cost stays until it ends.
func TestCachedCosts(t *testing.T) {
	const s = time.Second
	c := overGCRA(t, algorithms.PerSecond(1).WithBurst(10), denialcache.MaxAge(time.Hour))
	c.want(7, algorithms.Result{Allowed: true, Limit: 10, Remaining: 3, ResetAfter: 7 * s}, true)
	c.want(5, algorithms.Result{Limit: 10, Remaining: 3, RetryAfter: 2 * s, ResetAfter: 7 * s}, true)
	c.want(5, algorithms.Result{Limit: 10, Remaining: 3, RetryAfter: 2 * s, ResetAfter: 7 * s}, false)
	c.want(10, algorithms.Result{Limit: 10, Remaining: 3, RetryAfter: 2 * s, ResetAfter: 7 * s}, false) // behind: 7 s
	c.want(4, algorithms.Result{Limit: 10, Remaining: 3, RetryAfter: 1 * s, ResetAfter: 7 * s}, true)
	c.want(5, algorithms.Result{Limit: 10, Remaining: 3, RetryAfter: 1 * s, ResetAfter: 7 * s}, false)
	c.want(3, algorithms.Result{Allowed: true, Limit: 10, ResetAfter: 10 * s}, true)
	c.want(4, algorithms.Result{Limit: 10, Remaining: 3, RetryAfter: 1 * s, ResetAfter: 7 * s}, false) // behind: 4 s
	full := algorithms.Result{Limit: 10, RetryAfter: 1 * s, ResetAfter: 10 * s}
	c.want(0, full, true)
	c.want(1, full, true) // a Peek's denial is not held
	c.want(1, full, false)
	c.want(0, full, true) // and no Peek is answered from the cache
	c.Advance(s)
	c.want(2, algorithms.Result{Limit: 10, Remaining: 1, RetryAfter: 1 * s, ResetAfter: 9 * s}, true)
	c.want(1, algorithms.Result{Allowed: true, Limit: 10, ResetAfter: 10 * s}, true)
	if held := denialcache.HeldBy(c.Limiter); len(held) != 1 {
		t.Errorf("%q held, want k once", held)
	}
}

// TestCachedOutOfTurn: two calls for one key run at the same time, and both are denied. The denial of the smaller cost
// stays. Of equal costs the one that holds longer stays, in whichever order the answers come.
func TestCachedOutOfTurn(t *testing.T) {
	type denial struct {
		cost int64
		wait time.Duration
	}
	for _, step := range []struct {
		outer, inner denial
		passes       time.Duration // between their ends, µs
		stays        denial
	}{
		{denial{5, 9}, denial{2, 3}, 0, denial{2, 3}},
		{denial{2, 3}, denial{5, 9}, 0, denial{2, 3}},
		{denial{5, 9}, denial{5, 3}, 0, denial{5, 9}},
		{denial{5, 3}, denial{5, 9}, 0, denial{5, 9}},
		{denial{5, 9}, denial{2, 3}, 3, denial{5, 9}}, // the other is over
	} {
		behind := &told{}
		c := over(t, limitertest.NewClock(begin), behind)
		ask := func(d denial) {
			behind.result = algorithms.Result{Limit: 10, RetryAfter: d.wait * time.Microsecond}
			if _, err := c.AllowN(context.Background(), "k", d.cost); err != nil {
				t.Error(err)
			}
		}
		c.behind.before = func() {
			c.behind.before = func() {}
			ask(step.inner)
			c.Advance(step.passes * time.Microsecond)
			behind.result.RetryAfter = step.outer.wait * time.Microsecond
		}
		ask(step.outer)
		c.want(step.stays.cost, algorithms.Result{Limit: 10, RetryAfter: step.stays.wait * time.Microsecond}, false)
		c.want(step.stays.cost-1, behind.result, true)
	}
}

// TestCachedCostsThatCannotBe: the errors of wrong costs are the same whether a denial is held or not. They change
// nothing.
func TestCachedCostsThatCannotBe(t *testing.T) {
	c := overGCRA(t, algorithms.PerSecond(2))
	wrong := func() {
		t.Helper()
		for n, want := range map[int64]error{
			0: algorithms.ErrInvalidCost, -1: algorithms.ErrInvalidCost, math.MinInt64: algorithms.ErrInvalidCost,
			3: algorithms.ErrCostExceedsLimit, math.MaxInt64: algorithms.ErrCostExceedsLimit,
		} {
			if r, err := c.AllowN(context.Background(), "k", n); !errors.Is(err, want) || r != (algorithms.Result{}) {
				t.Errorf("cost %d: %+v, %v, want %v", n, r, err, want)
			}
		}
	}
	wrong()
	c.want(2, algorithms.Result{Allowed: true, Limit: 2, ResetAfter: time.Second}, true)
	wrong()
	denied := algorithms.Result{Limit: 2, RetryAfter: time.Second / 2, ResetAfter: time.Second}
	c.want(1, denied, true)
	wrong()
	c.want(1, denied, false)
}

// TestCachedEndedContext: a request whose context has ended gets the error of the limiter behind.
func TestCachedEndedContext(t *testing.T) {
	c := overGCRA(t, algorithms.PerSecond(1))
	c.want(1, algorithms.Result{Allowed: true, Limit: 1, ResetAfter: time.Second}, true)
	denied := algorithms.Result{Limit: 1, RetryAfter: time.Second, ResetAfter: time.Second}
	c.want(1, denied, true)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, allow := c.Allow(ended, "k")
	_, allowN := c.AllowN(ended, "k", 1)
	_, peek := c.Peek(ended, "k")
	_, wrong := c.AllowN(ended, "k", 0)
	if !errors.Is(allow, context.Canceled) || !errors.Is(allowN, context.Canceled) || !errors.Is(peek, context.Canceled) ||
		!errors.Is(wrong, algorithms.ErrInvalidCost) {
		t.Errorf("errors %v, %v, %v, want them canceled, and %v an invalid cost", allow, allowN, peek, wrong)
	}
	c.want(1, denied, false)
}

// TestCacheTime: the limiter behind is asked again after MaxAge, even if the wait is longer.
func TestCacheTime(t *testing.T) {
	for _, step := range []struct {
		opts []denialcache.Option
		want time.Duration
	}{
		{nil, time.Second},
		{[]denialcache.Option{denialcache.MaxAge(time.Minute)}, time.Minute},
		{[]denialcache.Option{denialcache.MaxAge(1 << 51 * time.Microsecond)}, time.Hour},
	} {
		c := overGCRA(t, algorithms.PerHour(1), step.opts...)
		c.want(1, algorithms.Result{Allowed: true, Limit: 1, ResetAfter: time.Hour}, true)
		c.behind.after = func() { c.Advance(10 * time.Millisecond) } // this time counts too
		denied := algorithms.Result{Limit: 1, RetryAfter: time.Hour, ResetAfter: time.Hour}
		c.want(1, denied, true)
		on := step.want - 10*time.Millisecond - time.Microsecond
		c.Advance(on)
		denied.RetryAfter, denied.ResetAfter = time.Hour-on, time.Hour-on
		c.want(1, denied, false)
		before := c.behind.asked
		c.Advance(time.Microsecond)
		if _, err := c.Allow(context.Background(), "k"); err != nil || c.behind.asked == before {
			t.Errorf("not asked again after %v, error %v", step.want, err)
		}
	}
}

// TestCachedLimit: a cache's Limit is that of the limiter behind, or the zero Limit if that has no method Limit.
func TestCachedLimit(t *testing.T) {
	limit := algorithms.PerMinute(5).WithBurst(2)
	local, err := gcra.NewLocal(limit)
	if err != nil {
		t.Fatal(err)
	}
	for want, behind := range map[algorithms.Limit]algorithms.Limiter{
		limit: local,
		{}:    struct{ algorithms.Limiter }{local},
	} {
		cache, err := denialcache.New(behind)
		if err != nil {
			t.Fatal(err)
		}
		if got := cache.Limit(); got != want {
			t.Errorf("limit %v, want %v", got, want)
		}
		own, err := cache.Local()
		if told := (want != algorithms.Limit{}); told && own != local || !told && !errors.Is(err, algorithms.ErrNoLocal) {
			t.Errorf("Local of a cache around %T: %v, %v", behind, own, err)
		}
	}
}

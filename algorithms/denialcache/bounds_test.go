package denialcache_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
)

// TestCacheKeys: however many keys are denied, no more than MaxKeys are held. The last one is always
// among them.
func TestCacheKeys(t *testing.T) {
	for _, most := range []int{1, 2, 7, 8, 9, 63, 1000, 1 << 12} {
		c := over(t, limitertest.NewClock(begin), &told{result: refusal}, denialcache.MaxKeys(most))
		if slots := denialcache.SlotsOf(c.Limiter); slots != most {
			t.Errorf("room for %d, want %d", slots, most)
		}
		for i, key := range numbered(10 * most) {
			for round := range 2 {
				before := c.behind.asked
				if _, err := c.Allow(context.Background(), key); err != nil || c.behind.asked != before+1-round {
					t.Fatalf("of at most %d, key %d, request %d: asked %d times, error %v", most, i, round, c.behind.asked-before, err)
				}
			}
			if i%17 == 0 {
				c.Advance(time.Microsecond)
			}
		}
		if held := len(denialcache.HeldBy(c.Limiter)); held > most || held < most*9/10 {
			t.Errorf("%d held of at most %d", held, most)
		}
	}
	c := over(t, limitertest.NewClock(begin), &told{result: refusal})
	if slots := denialcache.SlotsOf(c.Limiter); slots != 65_536 {
		t.Errorf("room for %d by default, want 65,536", slots)
	}
}

// TestCacheRoom: a new denial takes the place of one that is over or, if there is none, of the one that ends first.
func TestCacheRoom(t *testing.T) {
	behind := &told{}
	c := over(t, limitertest.NewClock(begin), behind, denialcache.MaxKeys(3))
	refuse := func(key string, wait time.Duration, held ...string) {
		t.Helper()
		behind.result = algorithms.Result{Limit: 1, RetryAfter: wait}
		if _, err := c.Allow(context.Background(), key); err != nil {
			t.Fatal(err)
		}
		got := denialcache.HeldBy(c.Limiter)
		slices.Sort(got)
		if !slices.Equal(got, held) {
			t.Errorf("%q held after %q, want %q", got, key, held)
		}
	}
	refuse("a", 5*time.Microsecond, "a")
	refuse("b", 3*time.Microsecond, "a", "b")
	refuse("c", 9*time.Microsecond, "a", "b", "c")
	refuse("d", 1*time.Microsecond, "a", "c", "d")
	refuse("e", 8*time.Microsecond, "a", "c", "e")
	c.Advance(5 * time.Microsecond)
	refuse("f", 1*time.Microsecond, "c", "e", "f") // a is over
	c.Advance(time.Microsecond)
	refuse("g", 9*time.Microsecond, "c", "e", "g") // f is over
	c.Advance(2 * time.Microsecond)
	refuse("e", 1*time.Microsecond, "c", "e", "g") // e was over
}

// TestCachedCollision: two keys with the same hash are told apart.
func TestCachedCollision(t *testing.T) {
	c := over(t, limitertest.NewClock(begin), &told{result: refusal})
	c.want(1, refusal, true)
	denialcache.Rename(c.Limiter, "k", "other")
	c.reset()
	c.want(1, refusal, true)
	c.want(1, refusal, false)
	held := denialcache.HeldBy(c.Limiter)
	slices.Sort(held)
	if !slices.Equal(held, []string{"k", "other"}) {
		t.Errorf("%q held, want both keys", held)
	}
}

// TestCachedLongKeys: the denial of a key of up to 256 bytes is held. For a longer key the limiter behind is asked each
// time. The cache holds a copy of the key: the caller's string may be part of a much longer one.
func TestCachedLongKeys(t *testing.T) {
	c := over(t, limitertest.NewClock(begin), &told{result: refusal})
	text := strings.Repeat("k", 1<<20)
	for _, size := range []int{0, 1, 256, 257, 1 << 20} {
		key, before := text[:size], c.behind.asked
		for range 3 {
			if _, err := c.Allow(context.Background(), key); err != nil {
				t.Fatal(err)
			}
		}
		want := 1
		if size > 256 {
			want = 3
		}
		if asked := c.behind.asked - before; asked != want {
			t.Errorf("a key of %d bytes was asked for %d times of 3, want %d", size, asked, want)
		}
		if err := c.Reset(context.Background(), key); err != nil {
			t.Fatal(err)
		}
		if held := denialcache.HeldBy(c.Limiter); len(held) != 0 {
			t.Errorf("%d keys held after Reset of one of %d bytes", len(held), size)
		}
	}
	if _, err := c.Allow(context.Background(), text[:100]); err != nil {
		t.Fatal(err)
	}
	held := denialcache.HeldBy(c.Limiter)
	if len(held) != 1 || held[0] != text[:100] || unsafe.StringData(held[0]) == unsafe.StringData(text) {
		t.Errorf("%q is held, want a copy of the key", held)
	}
}

// TestCachedClockBack: a denial made before the clock went back is not repeated, then or later.
func TestCachedClockBack(t *testing.T) {
	c := full(t)
	c.want(1, refusal, true)
	c.Advance(-time.Microsecond)
	c.want(1, refusal, true) // from the limiter behind, as the denial begins later than the clock says now
	c.want(1, refusal, false)
	c.Advance(-time.Hour)
	c.want(1, refusal, true)

	c = full(t)
	c.want(1, refusal, true)
	c.Advance(-time.Hour)
	c.behind.Limiter = &told{result: first}
	c.want(1, first, true)
	c.Advance(time.Hour)
	c.want(1, first, true) // the denial from before the clock went back would still hold
}

// TestCachedClockBackMeanwhile: if the clock goes back during a call, its denial is not repeated.
func TestCachedClockBackMeanwhile(t *testing.T) {
	c := full(t)
	c.behind.after = once(func() { c.Advance(-time.Millisecond) })
	c.want(1, refusal, true)
	c.Advance(2 * time.Millisecond)
	before := c.behind.asked
	if _, err := c.Allow(context.Background(), "k"); err != nil || c.behind.asked == before {
		t.Errorf("refused by a call that has ended before it began, error %v", err)
	}
}

// TestCachedWrongTimes: if the clock shows an invalid time, the limiter behind returns the error, even for a key whose denial
// is held. The denial stays.
func TestCachedWrongTimes(t *testing.T) {
	now := begin
	clock := func() time.Time { return now }
	l, err := gcra.NewLocal(algorithms.PerSecond(1), algorithms.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	behind := &distant{l, func() {}, func() {}, 0}
	c, err := denialcache.New(behind, denialcache.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		now   time.Time
		want  error
		asked int
	}{{begin, nil, 1}, {begin, nil, 2}, {begin, nil, 2}, {time.Time{}, algorithms.ErrInvalidTime, 3}, {begin, nil, 3}} {
		now = step.now
		if r, err := c.Allow(context.Background(), "k"); !errors.Is(err, step.want) || behind.asked != step.asked {
			t.Errorf("at %v: %+v, %v, asked %d times, want error %v, asked %d times", now, r, err, behind.asked, step.want, step.asked)
		}
	}
}

// TestCachedAnswersThatCannotBe: answers that no limiter of Weir gives are not held.
func TestCachedAnswersThatCannotBe(t *testing.T) {
	broken := errors.New("broken")
	for _, behind := range []told{
		{result: algorithms.Result{}},
		{result: algorithms.Result{Limit: 1, RetryAfter: -1}},
		{result: algorithms.Result{Limit: 1, RetryAfter: math.MinInt64}},
		{result: algorithms.Result{Limit: 1, RetryAfter: math.MaxInt64}},
		{result: algorithms.Result{Limit: 1, RetryAfter: 1, ResetAfter: math.MaxInt64}},
		{result: algorithms.Result{Limit: 1, Allowed: true, RetryAfter: time.Second}},
		{result: refusal, err: broken},
	} {
		c := over(t, limitertest.NewClock(begin), &behind)
		for range 2 {
			before := c.behind.asked
			r, err := c.Allow(context.Background(), "k")
			if r != behind.result || err != behind.err || c.behind.asked == before { //nolint:errorlint // it is the very error
				t.Errorf("%+v, %v, want %+v, %v of the limiter behind", r, err, behind.result, behind.err)
			}
		}
	}
	c := over(t, limitertest.NewClock(begin), &told{result: refusal})
	if _, err := c.AllowN(context.Background(), "k", -1); err != nil {
		t.Fatal(err)
	}
	c.want(1, refusal, true)
}

// TestCacheOptions: values that can't be used are refused.
func TestCacheOptions(t *testing.T) {
	behind, err := gcra.NewLocal(algorithms.PerSecond(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]denialcache.Option{
		"no time":         denialcache.MaxAge(0),
		"less than none":  denialcache.MaxAge(-1),
		"too much time":   denialcache.MaxAge(1<<51*time.Microsecond + 1),
		"no keys":         denialcache.MaxKeys(0),
		"fewer than none": denialcache.MaxKeys(-1),
		"too many keys":   denialcache.MaxKeys(1<<26 + 1),
		"nil":             nil,
	} {
		if c, err := denialcache.New(behind, opt); c != nil || !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, %v, want ErrInvalidOption", name, c, err)
		}
	}
	if _, err := denialcache.New(behind, denialcache.MaxAge(1), denialcache.MaxKeys(1), denialcache.WithClock(nil)); err != nil {
		t.Errorf("options that can be: %v", err)
	}
	for _, none := range []algorithms.Limiter{nil, (*algorithms.Local)(nil)} {
		if c, err := denialcache.New(none); c != nil || !errors.Is(err, algorithms.ErrNilLimiter) {
			t.Errorf("of a nil %T: %v, %v, want ErrNilLimiter", none, c, err)
		}
	}
}

package denialcache_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
)

var (
	first   = algorithms.Result{Allowed: true, Limit: 1, ResetAfter: time.Second}
	refusal = algorithms.Result{Limit: 1, RetryAfter: time.Second, ResetAfter: time.Second}
)

// full returns a cache around a limiter of one request a second, which has already admitted one for k.
func full(t *testing.T) *cached {
	c := overGCRA(t, algorithms.PerSecond(1))
	c.want(1, first, true)
	return c
}

func (c *cached) reset() {
	c.t.Helper()
	if err := c.Reset(context.Background(), "k"); err != nil {
		c.t.Fatal(err)
	}
}

// once returns a function that calls happens only the first time.
func once(happens func()) func() {
	done := false
	return func() {
		if !done {
			done = true
			happens()
		}
	}
}

// TestResetForgets: after a Reset the limiter behind is asked.
func TestResetForgets(t *testing.T) {
	c := full(t)
	c.want(1, refusal, true)
	c.want(1, refusal, false)
	c.reset()
	c.want(1, first, true)
}

// TestResetUnderWay: a denial that was decided before a Reset, and whose answer comes after it, is not repeated.
func TestResetUnderWay(t *testing.T) {
	c := full(t)
	c.behind.after = once(c.reset)
	c.want(1, refusal, true)
	c.want(1, first, true)
}

// TestResetBegun: a denial that arrives during a Reset is not held, and is not repeated afterwards. A denial that was held
// before the Reset is not repeated during it.
func TestResetBegun(t *testing.T) {
	c := full(t)
	c.want(1, refusal, true)
	c.behind.before = once(func() {
		c.want(1, refusal, true)
		c.want(1, refusal, true)
		c.behind.after = once(func() { c.want(1, first, true) }) // the Reset has been decided
	})
	c.reset()
	c.want(1, refusal, true)
	c.want(1, refusal, false)
}

// TestResetsUnderWay: if two Resets overlap, denials are held again only after both have ended.
func TestResetsUnderWay(t *testing.T) {
	c := full(t)
	c.behind.before = once(func() { // of the outer Reset
		c.reset()
		c.want(1, first, true)
		c.want(1, refusal, true)
		c.want(1, refusal, true)
	})
	c.reset()
	c.want(1, first, true)
	c.want(1, refusal, true)
	c.want(1, refusal, false)
}

// TestResetFails: if Reset of the limiter behind fails, the cache has still forgotten the key, and asks that limiter again.
func TestResetFails(t *testing.T) {
	lost := errors.New("lost reply")
	behind := &told{result: refusal}
	c := over(t, limitertest.NewClock(begin), behind)
	c.want(1, refusal, true)
	c.want(1, refusal, false)
	behind.err = lost
	if err := c.Reset(context.Background(), "k"); err != lost { //nolint:errorlint // it is the very error
		t.Errorf("error %v, want %v", err, lost)
	}
	behind.err = nil
	c.want(1, refusal, true)
	c.want(1, refusal, false)
}

// watched is a limiter that doesn't charge watchers, which are the calls whose context has the value watching: it only peeks
// for them. It lets other goroutines run before a watcher gets its answer.
type watched struct{ algorithms.Limiter }

type watching struct{}

func (w watched) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	if ctx.Value(watching{}) == nil {
		return w.Limiter.Allow(ctx, key)
	}
	r, err := w.Limiter.Peek(ctx, key)
	runtime.Gosched()
	return r, err
}

// TestResetRace: while many goroutines ask for keys whose limit is used up, the first request after each Reset is admitted,
// and the one after it isn't.
func TestResetRace(t *testing.T) {
	behind, err := gcra.NewLocal(algorithms.PerHour(1))
	if err != nil {
		t.Fatal(err)
	}
	c, err := denialcache.New(watched{behind})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	watch := context.WithValue(ctx, watching{}, true)
	keys := []string{"a", "b", "c", "d"}
	var over atomic.Bool
	var watchers, owners sync.WaitGroup
	for i := range 8 {
		watchers.Add(1)
		go func() {
			defer watchers.Done()
			for !over.Load() {
				if _, err := c.Allow(watch, keys[i%len(keys)]); err != nil {
					t.Error(err)
					return
				}
				runtime.Gosched()
			}
		}()
	}
	for _, key := range keys {
		owners.Add(1)
		go func() {
			defer owners.Done()
			for i := range 1000 {
				err := c.Reset(ctx, key)
				runtime.Gosched() // so that a watcher continues that got its answer before the Reset
				first, firstErr := c.Allow(ctx, key)
				second, secondErr := c.Allow(ctx, key)
				if errors.Join(err, firstErr, secondErr) != nil || !first.Allowed || second.Allowed {
					t.Errorf("after Reset %d of %s: %+v, then %+v, errors %v, %v, %v", i, key, first, second, err, firstErr, secondErr)
					return
				}
			}
		}()
	}
	owners.Wait()
	over.Store(true)
	watchers.Wait()
}

// TestCachedConcurrent: many goroutines ask for more keys than the cache has room for, on the real clock. Exactly the limit
// is admitted for each key.
func TestCachedConcurrent(t *testing.T) {
	const goroutines, rounds, keys, limit = 8, 40, 64, 5
	behind, err := gcra.NewLocal(algorithms.PerDay(limit))
	if err != nil {
		t.Fatal(err)
	}
	c, err := denialcache.New(behind, denialcache.MaxKeys(32))
	if err != nil {
		t.Fatal(err)
	}
	names := numbered(keys)
	var admitted [keys]atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range rounds * keys {
				n := 1 + int64(i)%3
				r, err := c.AllowN(context.Background(), names[i%keys], n)
				if err != nil {
					t.Error(err)
					return
				}
				if r.Allowed {
					admitted[i%keys].Add(n)
				} else if r.Limit != limit || r.Remaining >= n || r.RetryAfter <= 0 || r.ResetAfter < r.RetryAfter || r.ResetAfter%time.Microsecond != 0 {
					t.Errorf("cost %d: %+v", n, r)
					return
				}
			}
		}()
	}
	wg.Wait()
	for i := range admitted {
		if n := admitted[i].Load(); n != limit {
			t.Errorf("%s was admitted %d, want %d", names[i], n, limit)
		}
	}
}

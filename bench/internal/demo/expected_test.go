package demo

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/target"
)

// TestExpect compares the expected numbers with the definitions of the algorithms.
func TestExpect(t *testing.T) {
	const ms = time.Millisecond
	// every returns requests that are sent each step before until, and are answered after long.
	every := func(step, long, until time.Duration) (all []request) {
		for at := time.Duration(0); at < until; at += step {
			all = append(all, request{at, at + long, http.StatusTooManyRequests})
		}
		return all
	}
	articles := every(100*ms, ms, 10*time.Second)
	slowFirst := every(100*ms, ms, 10*time.Second)
	slowFirst[0].answered = 90 * ms
	for name, test := range map[string]struct {
		algorithm string
		limit     algorithms.Limit
		requests  []request
		low, high int
	}{
		"none":                 {"gcra", algorithms.PerSecond(1), nil, 0, 0},
		"articles, window":     {"fixedwindow", algorithms.PerSecond(1), articles, 10, 10},
		"articles, log":        {"slidinglog", algorithms.PerSecond(1), articles, 10, 10},
		"articles, gcra":       {"gcra", algorithms.PerSecond(1), articles, 10, 10},
		"articles, bucket":     {"leakybucket", algorithms.PerSecond(1), articles, 10, 10},
		"a slow first":         {"gcra", algorithms.PerSecond(1), slowFirst, 10, 10},
		"burst, window":        {"fixedwindow", algorithms.PerMinute(1000), every(ms, ms, 2*time.Second), 1000, 1000},
		"burst, log":           {"slidinglog", algorithms.PerMinute(1000), every(ms, ms, 2*time.Second), 1000, 1000},
		"burst, gcra":          {"gcra", algorithms.PerMinute(1000), every(ms, 5*ms, 2*time.Second), 1033, 1033}, // T is 60 ms
		"burst, maybe one":     {"gcra", algorithms.PerMinute(1000), every(ms, 30*ms, 1960*ms), 1032, 1033},
		"fewer than the limit": {"gcra", algorithms.PerMinute(1000), every(ms, ms, 100*ms), 100, 100},
	} {
		got, err := expect(test.algorithm, test.limit, test.requests)
		if err != nil || got.low != test.low || got.high != test.high || len(got.allowed) != test.high {
			t.Errorf("%s: %d to %d (%d), %v, want %d to %d", name, got.low, got.high, len(got.allowed), err, test.low, test.high)
		}
	}
}

// TestThrottle: the throttle is right if its callers use it one after the other.
func TestThrottle(t *testing.T) {
	redis := miniredis.RunT(t)
	client := target.Place{Network: "tcp", Addrs: []string{redis.Addr()}}.Admin()
	defer client.Close()
	limiter := throttle{client, algorithms.PerHour(3), "p"}
	ask := func(name string, result algorithms.Result, err error, allowed bool, remaining int64) {
		t.Helper()
		waits := result.RetryAfter > 0 && result.RetryAfter <= time.Hour
		if err != nil || result.Allowed != allowed || waits == allowed || result.Remaining != remaining || result.Limit != 3 {
			t.Errorf("%s: %+v, %v, want allowed %v and %d left", name, result, err, allowed, remaining)
		}
	}
	result, err := limiter.Peek(t.Context(), "k")
	ask("peek", result, err, true, 3)
	result, err = limiter.AllowN(t.Context(), "k", 2)
	ask("two", result, err, true, 1)
	result, err = limiter.AllowN(t.Context(), "k", 2)
	ask("two more", result, err, false, 1)
	result, err = limiter.Allow(t.Context(), "k")
	ask("one more", result, err, true, 0)
	result, err = limiter.Allow(t.Context(), "k")
	ask("a fourth", result, err, false, 0)
	if ttl := redis.TTL("p:{k}:throttle"); ttl != time.Hour {
		t.Errorf("the key lives for %v", ttl)
	}
	if err := limiter.Reset(t.Context(), "k"); err != nil || len(redis.Keys()) > 0 {
		t.Errorf("after a Reset: %q, %v", redis.Keys(), err)
	}
}

// writesLast is a hook for a client. It delays writes until all callers have read.
type writesLast struct{ reads *sync.WaitGroup }

func (writesLast) DialHook(next redis.DialHook) redis.DialHook { return next }

func (writesLast) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (w writesLast) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "set" {
			w.reads.Wait()
		}
		err := next(ctx, cmd)
		if cmd.Name() == "get" {
			w.reads.Done()
		}
		return err
	}
}

// TestThrottleRaces: if all callers read before any of them has written, the throttle admits all of them.
func TestThrottleRaces(t *testing.T) {
	const callers = 8
	client := target.Place{Network: "tcp", Addrs: []string{miniredis.RunT(t).Addr()}}.Admin()
	defer client.Close()
	var reads, all sync.WaitGroup
	reads.Add(callers)
	client.AddHook(writesLast{&reads})
	limiter := throttle{client, algorithms.PerHour(3), "p"}
	var admitted atomic.Int64
	for range callers {
		all.Go(func() {
			if result, err := limiter.Allow(t.Context(), "k"); err == nil && result.Allowed {
				admitted.Add(1)
			}
		})
	}
	all.Wait()
	if admitted.Load() != callers {
		t.Errorf("%d of %d were admitted, want all, though the limit is 3", admitted.Load(), callers)
	}
}

// TestEachProcessCounts: if each process has its own count, each admits the whole limit.
func TestEachProcessCounts(t *testing.T) {
	admitted := 0
	for range 2 {
		limiter, err := kinds[0].new(nil, algorithms.PerHour(3), "p")
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			result, err := limiter.Allow(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			if result.Allowed {
				admitted++
			}
		}
	}
	if admitted != 6 {
		t.Errorf("%d were admitted in two processes, want 3 in each", admitted)
	}
}

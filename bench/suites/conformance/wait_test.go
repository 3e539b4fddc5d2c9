package conformance_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// waiters makes 256 goroutines wait for one event each, and returns when each was admitted, in order. They use six limiters,
// as six processes would: half of them with each client, and some behind a denialcache.
func waiters(ctx context.Context, t *testing.T, addr, prefix string, limit algorithms.Limit) (admitted []time.Time) {
	runners := []scripts.Runner{errtest.Must(goredisrunner.New(goRedis(t, addr))), errtest.Must(rueidisrunner.New(newRueidis(t, addr)))}
	var mu sync.Mutex
	var all sync.WaitGroup
	var questions atomic.Int64
	for process := range 6 {
		var limiter algorithms.Limiter = &asked{errtest.Must(gcra.New(runners[process%2], limit, algorithms.WithPrefix(prefix))), &questions}
		if process > 3 {
			limiter = errtest.Must(denialcache.New(limiter))
		}
		for i := process; i < 256; i += 6 {
			all.Go(func() {
				switch err := algorithms.Wait(ctx, limiter, "one key", 1); {
				case err == nil:
					mu.Lock()
					defer mu.Unlock()
					admitted = append(admitted, time.Now())
				case !errors.Is(err, context.DeadlineExceeded):
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	t.Logf("%v: %d admitted with %d questions", limit, len(admitted), questions.Load())
	slices.SortFunc(admitted, time.Time.Compare)
	return admitted
}

// asked is a limiter that counts its calls.
type asked struct {
	algorithms.Limiter
	questions *atomic.Int64
}

func (a *asked) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	a.questions.Add(1)
	return a.Limiter.AllowN(ctx, key, n)
}

// TestWait: 256 goroutines wait for one key. If the period is longer than their wait, exactly the limit is admitted.
// Otherwise, no more are admitted than have become available.
func TestWait(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		_, prefix := fresh(t, addr)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if n := len(waiters(ctx, t, addr, prefix, algorithms.PerDay(100))); n != 100 {
			t.Errorf("%d were admitted, want 100", n)
		}
		began := time.Now()
		admitted := waiters(ctx, t, addr, prefix, algorithms.PerSecond(200).WithBurst(20))
		if len(admitted) != 256 {
			t.Fatalf("%d were admitted, want all", len(admitted))
		}
		for i, at := range admitted {
			if back := time.Duration(i+1-20) * time.Second / 200; at.Sub(began) < back {
				t.Errorf("%d were admitted after %v, want %v at least", i+1, at.Sub(began), back)
			}
		}
	})
}

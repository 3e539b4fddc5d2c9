//go:build go1.25

package algorithms_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/errtest"
)

// These tests run in the fake time of testing/synctest, so they don't sleep.

// TestWaitInLine: a denial of the Wait that asks also ends later Waits that can't succeed before their deadlines. If the
// Wait that asks is canceled, another one asks.
func TestWaitInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := errtest.Must(gcra.NewLocal(algorithms.PerMinute(1).WithBurst(1)))
		var asked atomic.Int64
		limiter := &far{Limiter: local, asked: &asked}
		if err := algorithms.Wait(t.Context(), limiter, "k", 1); err != nil {
			t.Fatal(err)
		}
		asked.Store(0)
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		results := make([]error, 4)
		wait := func(i int, ctx context.Context) {
			all.Go(func() { results[i] = algorithms.Wait(ctx, limiter, "k", 1) })
			time.Sleep(time.Second)
		}
		wait(0, first)
		wait(1, t.Context())
		soon, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		if err := algorithms.Wait(soon, limiter, "k", 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 0 {
			t.Errorf("%v after %v, want it to be too late at once", err, time.Since(began))
		}
		patient, cancelPatient := context.WithTimeout(t.Context(), 100*time.Second) // more than the first minute, less than the second
		defer cancelPatient()
		wait(2, patient)
		if n := asked.Load(); n != 1 {
			t.Errorf("%d questions, want one: its denial is true of all", n)
		}
		leave()
		all.Wait()
		if !errors.Is(results[0], context.Canceled) || results[1] != nil || !errors.Is(results[2], context.DeadlineExceeded) {
			t.Errorf("they end with %v, want the first canceled, the second admitted and the third too late", results)
		}
		if took := time.Since(began); took > 70*time.Second {
			t.Errorf("the third Wait returned after %v, want it to return with the denial after a minute", took)
		}
		if n := asked.Load(); n != 3 {
			t.Errorf("%d questions in all, want one each: a turn that is handed over is not used sooner", n)
		}
	})
}

// TestWaitOvertaken: a denial of one waiter ends the Waits whose contexts end before its RetryAfter.
func TestWaitOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := errtest.Must(gcra.NewLocal(algorithms.PerMinute(1).WithBurst(1)))
		take := func() {
			if got, err := limiter.Allow(t.Context(), "k"); err != nil || !got.Allowed {
				t.Fatalf("%+v, %v, want it admitted", got, err)
			}
		}
		take()
		began := time.Now()
		patient, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		var all sync.WaitGroup
		var took time.Duration
		all.Go(func() {
			if err := algorithms.Wait(t.Context(), limiter, "k", 1); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			time.Sleep(time.Second)
			if err := algorithms.Wait(patient, limiter, "k", 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want that it is too late", err)
			}
			took = time.Since(began)
		})
		time.Sleep(time.Minute)
		take() // before the Wait that is in progress
		all.Wait()
		if took > 61*time.Second {
			t.Errorf("Wait returned after %v, want a minute", took)
		}
	})
}

// TestWaitSmaller: a larger request that waits doesn't delay a smaller one.
func TestWaitSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := errtest.Must(gcra.NewLocal(algorithms.PerSecond(1).WithBurst(60)))
		if err := algorithms.Wait(t.Context(), limiter, "k", 60); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for _, c := range []struct {
			n       int64
			longest time.Duration
		}{{5, 70 * time.Second}, {1, 1100 * time.Millisecond}, {58, 70 * time.Second}, {1, 2200 * time.Millisecond}} {
			all.Go(func() {
				if err := algorithms.Wait(t.Context(), limiter, "k", c.n); err != nil || time.Since(began) > c.longest {
					t.Errorf("%d events: %v after %v, want at most %v", c.n, err, time.Since(began), c.longest)
				}
			})
			time.Sleep(time.Millisecond)
		}
		all.Wait()
	})
}

// TestWaitLarger: a larger request is too late by its own wait, although the known wait of a smaller one would end in time.
func TestWaitLarger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := &fake{allow: func(_ context.Context, n int64) (algorithms.Result, error) {
			time.Sleep(time.Duration(n) * time.Second)
			return algorithms.Result{RetryAfter: time.Duration(n) * time.Hour}, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		go func() { _ = algorithms.Wait(ctx, limiter, "k", 1) }()
		began := time.Now()
		err := algorithms.Wait(ctx, limiter, "k", 2)
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 2*time.Second {
			t.Errorf("%v after %v, want it at once", err, took)
		}
		cancel()
		synctest.Wait()
	})
}

// TestWaitUntold: a limiter that returns no RetryAfter, or a very short one, is not asked without pauses.
func TestWaitUntold(t *testing.T) {
	for told, most := range map[time.Duration]int64{0: 75, -time.Second: 75, time.Nanosecond: 120_000, 1<<63 - 1: 10} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int64
			limiter := &fake{allow: func(context.Context, int64) (algorithms.Result, error) {
				asked.Add(1)
				return algorithms.Result{RetryAfter: told}, nil
			}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if told > time.Minute { // with a deadline, Wait would return at once
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, cancel)
			}
			defer cancel()
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					if err := algorithms.Wait(ctx, limiter, "k", 1); !errors.Is(err, ctx.Err()) {
						t.Error(err)
					}
				})
			}
			if all.Wait(); asked.Load() > most {
				t.Errorf("a RetryAfter of %v: %d questions in a minute, want at most %d", told, asked.Load(), most)
			}
		})
	}
}

//go:build go1.25

package algorithms_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/slidinglog"
)

// These tests run in the fake time of testing/synctest, so they don't sleep.

// far is the limiter of one process over a server behind a network.
type far struct {
	algorithms.Limiter
	asked *atomic.Int64
	out   atomic.Int64 // calls under way
	most  atomic.Int64 // 0, or how many were under way when there were more than 32
}

func (f *far) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	f.asked.Add(1)
	if n := f.out.Add(1); n > 32 {
		f.most.Store(n)
	}
	defer f.out.Add(-1)
	time.Sleep(100*time.Microsecond + rand.N(400*time.Microsecond))
	defer func() { time.Sleep(100*time.Microsecond + rand.N(400*time.Microsecond)) }()
	return f.Limiter.AllowN(ctx, key, n)
}

// fake is a limiter made of one function.
type fake struct {
	algorithms.Limiter
	allow func(ctx context.Context, n int64) (algorithms.Result, error)
}

func (f *fake) AllowN(ctx context.Context, _ string, n int64) (algorithms.Result, error) {
	return f.allow(ctx, n)
}

// TestWaitRate: 256 goroutines in six processes get what the limit allows: never more, and only a little less. The number of
// their calls to the server is bounded by the number of processes.
func TestWaitRate(t *testing.T) {
	const rate, seconds, goroutines = 100, 30, 256
	limit := algorithms.PerSecond(rate)
	for name, c := range map[string]struct {
		limiter     *algorithms.Local
		processes   int
		costs       int64
		least, most int64
		asks        float64 // calls of the limiter for each admission, at most
	}{
		"gcra":          {errtest.Must(gcra.NewLocal(limit)), 6, 1, rate * seconds, rate * (seconds + 1), 7},
		"no burst":      {errtest.Must(gcra.NewLocal(limit.WithBurst(1))), 6, 1, rate * seconds * 9 / 10, rate*seconds + 1, 8},
		"several costs": {errtest.Must(gcra.NewLocal(limit)), 6, 5, rate * seconds, rate * (seconds + 1), 7},
		"fixed window":  {errtest.Must(fixedwindow.NewLocal(limit)), 6, 1, rate * (seconds - 2), rate * (seconds + 1), 2},
		"sliding log":   {errtest.Must(slidinglog.NewLocal(limit)), 6, 1, rate * (seconds - 2), rate * (seconds + 1), 2},
		"one process":   {errtest.Must(gcra.NewLocal(limit)), 1, 1, rate * seconds, rate * (seconds + 1), 2.2},
		"a high rate":   {errtest.Must(gcra.NewLocal(algorithms.PerSecond(8000))), 1, 1, 8000*seconds - 80, 8000 * (seconds + 1), 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), seconds*time.Second)
				defer cancel()
				var asked, calls, admitted atomic.Int64
				var all sync.WaitGroup
				for process := range c.processes {
					limiter := &far{Limiter: c.limiter, asked: &asked}
					for i := process; i < goroutines; i += c.processes {
						all.Go(func() {
							for {
								cost := 1 + rand.Int64N(c.costs)
								if err := algorithms.Wait(ctx, limiter, "k", cost); err != nil {
									if !errors.Is(err, context.DeadlineExceeded) {
										t.Error(err)
									}
									break
								}
								calls.Add(1)
								admitted.Add(cost)
							}
							if n := limiter.most.Load(); n > 0 {
								t.Errorf("%d questions of one process at a time, want at most 32", n)
							}
						})
					}
				}
				all.Wait()
				each := float64(asked.Load()) / float64(calls.Load())
				t.Logf("%d events, %.1f questions for each admission", admitted.Load(), each)
				if n := admitted.Load(); n < c.least || n > c.most {
					t.Errorf("%d events were admitted, want %d to %d", n, c.least, c.most)
				}
				if each > c.asks {
					t.Errorf("%.1f questions for each admission, want at most %v", each, c.asks)
				}
				if n := algorithms.WaitLines(); n > 0 {
					t.Errorf("%d lines are left, want none", n)
				}
			})
		})
	}
}

// TestWaitExact: a single caller waits for the RetryAfter of the denial, and at most a sixteenth more.
func TestWaitExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := errtest.Must(denialcache.New(errtest.Must(gcra.NewLocal(algorithms.PerSecond(1).WithBurst(3)))))
		began := time.Now()
		for _, c := range []struct {
			n    int64
			wait time.Duration
		}{{3, 0}, {1, time.Second}, {2, 2 * time.Second}} {
			before := time.Now()
			if err := algorithms.Wait(t.Context(), limiter, "k", c.n); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(before); waited > c.wait+c.wait/16 {
				t.Errorf("%d events waited %v, want %v", c.n, waited, c.wait)
			}
		}
		if took := time.Since(began); took < 3*time.Second {
			t.Errorf("six events took %v, want 3s at least", took)
		}
	})
}

// TestWaitGivesUp: a Wait that can't succeed in time returns at once, and has charged nothing.
func TestWaitGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		limiter := errtest.Must(gcra.NewLocal(algorithms.PerMinute(1).WithBurst(2)))
		if err := algorithms.Wait(t.Context(), limiter, "k", 2); err != nil {
			t.Fatal(err)
		}
		soon, cancel := context.WithTimeout(t.Context(), 59*time.Second)
		defer cancel()
		ended, cancelEnded := context.WithCancel(t.Context())
		cancelEnded()
		down := errors.New("down")
		for name, c := range map[string]struct {
			ctx     context.Context
			limiter algorithms.Limiter
			n       int64
			is      error
			says    string
		}{
			"too late":        {soon, limiter, 1, context.DeadlineExceeded, "the wait is at least 1m0s, but the context ends in 59s"},
			"ended":           {ended, limiter, 1, context.Canceled, "nothing was charged"},
			"never":           {t.Context(), limiter, 3, algorithms.ErrCostExceedsLimit, "want 1 to 2"},
			"no cost":         {t.Context(), limiter, 0, algorithms.ErrInvalidCost, "want 1 to 2"},
			"nil":             {t.Context(), nil, 1, algorithms.ErrNilLimiter, ""},
			"typed nil":       {t.Context(), (*algorithms.Local)(nil), 1, algorithms.ErrNilLimiter, ""},
			"fails":           {t.Context(), &fake{allow: func(context.Context, int64) (algorithms.Result, error) { return algorithms.Result{}, down }}, 1, down, ""},
			"never, untyped":  {t.Context(), &fake{allow: deny(algorithms.Result{Limit: 5})}, 6, algorithms.ErrCostExceedsLimit, "6, want 1 to 5"},
			"a foreign limit": {soon, &fake{allow: deny(algorithms.Result{Limit: 5, RetryAfter: 1<<63 - 1})}, 1, context.DeadlineExceeded, "at least"},
		} {
			if err := algorithms.Wait(c.ctx, c.limiter, "k", c.n); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %v, and that it says %q", name, err, c.is, c.says)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("they took %v, want nothing", took)
		}
		time.Sleep(time.Minute)
		if got, err := limiter.Allow(t.Context(), "k"); err != nil || !got.Allowed {
			t.Errorf("a minute later: %+v, %v, want it admitted", got, err)
		}
	})
}

func deny(r algorithms.Result) func(context.Context, int64) (algorithms.Result, error) {
	return func(context.Context, int64) (algorithms.Result, error) { return r, nil }
}

// TestWaitAdmittedLate: an admission counts even if ctx has ended by then, as it has been charged.
func TestWaitAdmittedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		limiter := &fake{allow: func(context.Context, int64) (algorithms.Result, error) {
			cancel()
			return algorithms.Result{Allowed: true}, nil
		}}
		if err := algorithms.Wait(ctx, limiter, "k", 1); err != nil {
			t.Errorf("%v, want nil", err)
		}
	})
}

// TestWaitPanics: other Waits go on after a limiter has panicked. A limiter that can't be compared works too.
func TestWaitPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		limiter := &fake{allow: func(context.Context, int64) (algorithms.Result, error) {
			time.Sleep(time.Second)
			if broken.Swap(false) {
				panic("broken")
			}
			return algorithms.Result{Allowed: true}, nil
		}}
		var all sync.WaitGroup
		all.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			_ = algorithms.Wait(t.Context(), limiter, "k", 1)
		})
		for range 40 { // more than may ask at a time
			all.Go(func() {
				time.Sleep(time.Millisecond)
				if err := algorithms.Wait(t.Context(), limiter, "k", 1); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := algorithms.WaitLines(); n > 0 {
			t.Errorf("%d lines are left, want none", n)
		}
		unlike := uncomparable{fake{allow: limiter.allow}, nil}
		if err := algorithms.Wait(t.Context(), unlike, "k", 1); err != nil {
			t.Error(err)
		}
	})
}

type uncomparable struct {
	fake
	_ []int
}

func (u uncomparable) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return u.fake.AllowN(ctx, key, n)
}

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
		"no burst":      {errtest.Must(gcra.NewLocal(limit.WithBurst(1))), 6, 1, rate * seconds * 9 / 10, rate*seconds + 1, 7},
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

package inflight_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
)

// TestDo: f runs under a lease, which is given back even if f fails or panics.
func TestDo(t *testing.T) {
	l := one(t, inflight.NewClock(start))
	ours := errors.New("ours")
	err := inflight.Do(context.Background(), l, "k", func(ctx context.Context) error {
		err := inflight.Do(ctx, l, "k", func(context.Context) error { t.Error("called"); return nil })
		var full *inflight.FullError
		if !errors.As(err, &full) || !errors.Is(err, inflight.ErrFull) || full.Result.RetryAfter <= 29*time.Second ||
			!strings.Contains(err.Error(), "at most 1") {
			t.Errorf("while all leases are held: %v", err)
		}
		return ours
	})
	if !errors.Is(err, ours) || errors.Is(err, inflight.ErrNotHeld) || remaining(t, l) != 1 {
		t.Errorf("%v, %d are free", err, remaining(t, l))
	}
	func() {
		defer func() {
			if recover() != "panic" {
				t.Error("the panic is lost")
			}
		}()
		_ = inflight.Do(context.Background(), l, "k", func(context.Context) error { panic("panic") })
	}()
	if remaining(t, l) != 1 {
		t.Error("after a panic the lease is held")
	}
	if err := inflight.Do(context.Background(), l, "k", func(context.Context) error { return nil }); err != nil {
		t.Error(err)
	}
	var none *inflight.Local
	for _, limiter := range []inflight.Limiter{nil, none} {
		if err := inflight.Do(context.Background(), limiter, "k", nil); !errors.Is(err, algorithms.ErrNilLimiter) {
			t.Errorf("a nil limiter: %v", err)
		}
	}
}

// TestDoLoses: if f ends because its lease was lost, the error of Do wraps ErrNotHeld. The test uses the real clock.
func TestDoLoses(t *testing.T) {
	l := errtest.Must(inflight.NewLocal(1, 3*time.Millisecond))
	err := inflight.Do(context.Background(), l, "k", func(ctx context.Context) error {
		if err := l.Reset(ctx, "k"); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, inflight.ErrNotHeld) {
		t.Errorf("%v, want Canceled and ErrNotHeld", err)
	}
}

// TestManyAtOnce: at any time at most as many goroutines hold a lease as the limiter allows, with every kind of limiter.
func TestManyAtOnce(t *testing.T) {
	const most, goroutines, rounds = 3, 32, 20
	_, conn := resptest.Miniredis(t)
	for name, l := range map[string]inflight.Limiter{
		"Local": errtest.Must(inflight.NewLocal(most, time.Hour)), "Remote": errtest.Must(inflight.New(conn, most, time.Hour)),
	} {
		var inside, largest, done, full atomic.Int64
		var all sync.WaitGroup
		for range goroutines {
			all.Add(1)
			go func() {
				defer all.Done()
				for range rounds {
					err := inflight.Do(context.Background(), l, "k", func(context.Context) error {
						n := inside.Add(1)
						for seen := largest.Load(); n > seen && !largest.CompareAndSwap(seen, n); seen = largest.Load() {
						}
						if n > most {
							t.Errorf("%s: %d are inside", name, n)
						}
						done.Add(1)
						inside.Add(-1)
						return nil
					})
					switch {
					case errors.Is(err, inflight.ErrFull):
						full.Add(1)
					case err != nil:
						t.Error(err)
					}
				}
			}()
		}
		all.Wait()
		if done.Load()+full.Load() != goroutines*rounds || done.Load() == 0 {
			t.Errorf("%s: %d done, %d refused", name, done.Load(), full.Load())
		}
		if remaining(t, l) != most {
			t.Errorf("%s: %d are free at the end", name, remaining(t, l))
		}
	}
}

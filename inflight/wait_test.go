package inflight_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/errtest"
)

// TestWait: Wait waits until a lease is free, with pauses that become longer, and at most until the context ends.
func TestWait(t *testing.T) {
	clock := inflight.NewClock(start)
	l := one(t, clock)
	held := errtest.Must(clock.Hold(context.Background(), l, "k"))
	var wait context.CancelFunc
	asked := 0
	ids := stub{Limiter: l, before: func(_ context.Context, call string) error {
		if call != "acquire" {
			return nil
		}
		switch asked++; asked {
		case 30:
			return held.Release()
		case 40:
			wait()
		}
		return nil
	}}
	lease, err := clock.Wait(context.Background(), ids, "k")
	if err != nil || asked != 30 {
		t.Fatalf("%v after %d questions", err, asked)
	}
	slept := clock.Slept()
	for i, pause := range slept {
		longest := min(5*time.Millisecond<<min(i, 20), time.Second)
		if pause < longest/2 || pause > longest {
			t.Errorf("pause %d is %v, want %v to %v", i+1, pause, longest/2, longest)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	wait = cancel
	_, err = clock.Wait(ctx, ids, "k")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, inflight.ErrFull) {
		t.Errorf("%v, want Canceled and ErrFull", err)
	}
	if err := lease.Release(); err != nil || remaining(t, l) != 1 {
		t.Errorf("%v, %d are free", err, remaining(t, l))
	}
	if _, err := inflight.Wait(ctx, l, "k"); !errors.Is(err, context.Canceled) || remaining(t, l) != 1 {
		t.Errorf("under a context that has ended: %v, %d are free", err, remaining(t, l))
	}
}

// TestWaitForEnd: a lease whose holder has died is taken at the instant at which it ends.
func TestWaitForEnd(t *testing.T) {
	clock := inflight.NewClock(start)
	l := one(t, clock)
	if _, err := l.Acquire(context.Background(), "k", "dead"); err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Wait(context.Background(), l, "k"); err != nil || clock.Now().Truncate(time.Microsecond) != start.Add(30*time.Second) {
		t.Errorf("%v after %v", err, clock.Now().Sub(start))
	}
}

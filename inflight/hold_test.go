package inflight_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/errtest"
)

var start = time.UnixMicro(1_795_363_671_123_457)

// stub is a limiter that calls the test's functions before and after each call. If one returns an error, the call does.
type stub struct {
	inflight.Limiter
	before func(ctx context.Context, call string) error
	after  func(call string) error // after a call that succeeded
}

func (s stub) do(ctx context.Context, call string, f func() error) error {
	if s.before != nil {
		if err := s.before(ctx, call); err != nil {
			return err
		}
	}
	err := f()
	if err == nil && s.after != nil {
		err = s.after(call)
	}
	return err
}

func (s stub) Acquire(ctx context.Context, key, id string) (r algorithms.Result, err error) {
	err = s.do(ctx, "acquire", func() (err error) { r, err = s.Limiter.Acquire(ctx, key, id); return err })
	return r, err
}

func (s stub) Renew(ctx context.Context, key, id string) error {
	return s.do(ctx, "renew", func() error { return s.Limiter.Renew(ctx, key, id) })
}

func (s stub) Release(ctx context.Context, key, id string) error {
	return s.do(ctx, "release", func() error { return s.Limiter.Release(ctx, key, id) })
}

// one returns a limiter of one lease of 30 s on a clock.
func one(t *testing.T, clock *inflight.Clock) *inflight.Local {
	t.Helper()
	return errtest.Must(inflight.NewLocal(1, 30*time.Second, algorithms.WithClock(clock.Now)))
}

func remaining(t *testing.T, l inflight.Limiter) int64 {
	t.Helper()
	r, err := l.Peek(context.Background(), "k")
	if err != nil {
		t.Fatal(err)
	}
	return r.Remaining
}

// TestHoldRenews: a lease is held until Release, however long that takes, and no longer.
func TestHoldRenews(t *testing.T) {
	clock := inflight.NewClock(start)
	l := one(t, clock)
	lease, err := clock.Hold(context.Background(), l, "k")
	if err != nil || lease.Result().Remaining != 0 || lease.ID() == "" {
		t.Fatalf("%+v, %v", lease, err)
	}
	work := lease.Context(context.Background())
	clock.Advance(time.Hour)
	if err := errors.Join(work.Err(), lease.Err()); err != nil || remaining(t, l) != 0 {
		t.Errorf("after an hour: %v, %d are free", err, remaining(t, l))
	}
	if _, err := clock.Hold(context.Background(), l, "k"); !errors.Is(err, inflight.ErrFull) {
		t.Errorf("another: %v, want ErrFull", err)
	}
	if r := errtest.Must(l.Peek(context.Background(), "k")); r.RetryAfter < 20*time.Second {
		t.Errorf("%+v: it is renewed too late", r)
	}
	if err := lease.Release(); err != nil || remaining(t, l) != 1 {
		t.Errorf("%v, %d are free, want 1", err, remaining(t, l))
	}
	if !errors.Is(work.Err(), context.Canceled) || !errors.Is(context.Cause(work), context.Canceled) || lease.Err() != nil {
		t.Errorf("the context after Release: %v, %v; the lease: %v", work.Err(), context.Cause(work), lease.Err())
	}
	if lease.Context(context.Background()).Err() == nil {
		t.Error("a context of a lease that was given back has not ended")
	}
	other := errtest.Must(clock.Hold(context.Background(), l, "k"))
	if err := lease.Release(); err != nil || remaining(t, l) != 0 {
		t.Errorf("a second Release: %v, %d are free", err, remaining(t, l))
	}
	if err := other.Release(); err != nil || clock.Active() != 0 {
		t.Errorf("%v, %d timers are left", err, clock.Active())
	}
}

// TestHoldLoses: a lease that has ended on the server is lost at the next Renew. A lease that can't be renewed is lost at its
// end.
func TestHoldLoses(t *testing.T) {
	clock := inflight.NewClock(start)
	l := one(t, clock)
	lease := errtest.Must(clock.Hold(context.Background(), l, "k"))
	work := lease.Context(context.Background())
	if err := l.Reset(context.Background(), "k"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(9 * time.Second)
	if lease.Err() != nil {
		t.Errorf("before the first Renew: %v", lease.Err())
	}
	clock.Advance(time.Second)
	for _, err := range []error{lease.Err(), context.Cause(work), context.Cause(lease.Context(context.Background()))} {
		if !errors.Is(err, inflight.ErrNotHeld) {
			t.Errorf("%v, want ErrNotHeld", err)
		}
	}
	if clock.Active() != 0 {
		t.Error("a lost lease goes on")
	}

	away := &net.OpError{Op: "dial", Err: errors.New("refused")}
	renewals := 0
	failing := stub{Limiter: l, before: func(ctx context.Context, call string) error {
		if call != "renew" {
			return nil
		}
		renewals++
		if at, bounded := ctx.Deadline(); !bounded || time.Until(at) > 11*time.Second {
			t.Errorf("a Renew with a deadline in %v", time.Until(at))
		}
		if clock.Now().Sub(start) < 70*time.Second { // the first ones succeed
			return nil
		}
		return away
	}}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), ctxKey{}, "value"))
	lease = errtest.Must(clock.Hold(ctx, failing, "k"))
	work = lease.Context(context.Background())
	cancel()                        // the end of the caller's context doesn't end the renewals
	clock.Advance(79 * time.Second) // the lease began after 10 s, and was last renewed after 60 s
	if lease.Err() != nil {
		t.Errorf("it lasts for a second more: %v", lease.Err())
	}
	clock.Advance(time.Second)
	if err := context.Cause(work); !errors.Is(err, inflight.ErrNotHeld) || !errors.Is(err, error(away)) || !errors.Is(lease.Err(), away) {
		t.Errorf("%v, want ErrNotHeld and the server's", err)
	}
	if renewals < 10 {
		t.Errorf("%d renewals were tried", renewals)
	}
}

type ctxKey struct{}

// TestHoldSuspended: a process that was suspended for longer than the lease notices as soon as it goes on.
func TestHoldSuspended(t *testing.T) {
	clock := inflight.NewClock(start)
	lease := errtest.Must(clock.Hold(context.Background(), one(t, clock), "k"))
	clock.Jump(31 * time.Second)
	clock.Advance(0)
	if err := lease.Err(); !errors.Is(err, inflight.ErrNotHeld) {
		t.Errorf("%v, want ErrNotHeld", err)
	}
}

// TestHoldUnknown: if it isn't known whether a lease was taken, it is given back. If the server answered with an error, no
// lease was taken, and none is given back.
func TestHoldUnknown(t *testing.T) {
	for text, tries := range map[string]int{"i/o timeout": 1, "OOM command not allowed": 0} {
		l := one(t, inflight.NewClock(start))
		released := 0
		lost := stub{Limiter: l,
			before: func(_ context.Context, call string) error {
				if call == "release" {
					released++
				}
				return nil
			},
			after: func(call string) error {
				if call == "acquire" {
					return errors.New(text)
				}
				return nil
			},
		}
		if _, err := inflight.Hold(context.Background(), lost, "k"); err == nil || err.Error() != text {
			t.Errorf("%v, want %s", err, text)
		}
		if released != tries || remaining(t, l) != int64(tries) {
			t.Errorf("%s: given back %d times, %d are free", text, released, remaining(t, l))
		}
	}
}

// TestReleaseTries: Release works after the context of Hold has ended, and tries twice.
func TestReleaseTries(t *testing.T) {
	l := one(t, inflight.NewClock(start))
	tries := 0
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), ctxKey{}, "value"))
	once := stub{Limiter: l, before: func(ctx context.Context, call string) error {
		if call != "release" {
			return nil
		}
		if ctx.Err() != nil || ctx.Value(ctxKey{}) != "value" {
			t.Errorf("it is given back under %v", ctx)
		}
		if tries++; tries == 1 {
			return errors.New("no answer")
		}
		return nil
	}}
	lease := errtest.Must(inflight.Hold(ctx, once, "k"))
	cancel()
	if err := lease.Release(); err != nil || tries != 2 || remaining(t, l) != 1 {
		t.Errorf("%v after %d tries, %d are free", err, tries, remaining(t, l))
	}
	failing := stub{Limiter: l, before: func(_ context.Context, call string) error {
		if call == "release" {
			return errors.New("no answer")
		}
		return nil
	}}
	lease = errtest.Must(inflight.Hold(context.Background(), failing, "k"))
	if err := lease.Release(); err == nil || err.Error() != "no answer" {
		t.Errorf("%v, want the error", err)
	}
}

// TestReleaseIsBounded: a server that never answers delays Release only for a bounded time.
func TestReleaseIsBounded(t *testing.T) {
	hangs := errtest.Must(inflight.New(hanging{}, 1, time.Second))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := hangs.Release(ctx, "k", "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want DeadlineExceeded", err)
	}
}

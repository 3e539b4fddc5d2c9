package inflight_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/inflight/inflighttest"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// over returns the Subject whose limiters use this runner.
func over(run scripts.Runner) inflighttest.Subject {
	return inflighttest.Subject{
		New: func(most int64, ttl time.Duration, opts ...algorithms.Option) (inflight.Limiter, error) {
			return inflight.New(run, most, ttl, opts...)
		},
		With: func(l inflight.Limiter, most int64, ttl time.Duration) (inflight.Limiter, error) {
			return l.(*inflight.Remote).With(most, ttl)
		},
	}
}

func TestRemote(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	inflighttest.Run(t, over(conn))
}

func TestCoalesced(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	inflighttest.Run(t, over(errtest.Must(coalesce.New(conn))))
}

// TestLocal runs the suite over a Local. It compares two Locals, but its cases also check fixed results.
func TestLocal(t *testing.T) {
	inflighttest.Run(t, inflighttest.Subject{
		New: func(most int64, ttl time.Duration, opts ...algorithms.Option) (inflight.Limiter, error) {
			var options []algorithms.LocalOption
			for _, opt := range opts {
				options = append(options, opt)
			}
			return inflight.NewLocal(most, ttl, options...)
		},
		With: func(l inflight.Limiter, most int64, ttl time.Duration) (inflight.Limiter, error) {
			return l.(*inflight.Local).With(most, ttl)
		},
	})
}

// TestWrongArguments: both constructors and With return an error that names the wrong argument.
func TestWrongArguments(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	good := errtest.Must(inflight.New(conn, 1, time.Second))
	goodLocal := errtest.Must(inflight.NewLocal(1, time.Second))
	for _, wrong := range []struct {
		most int64
		ttl  time.Duration
	}{
		{0, time.Second}, {-1, time.Second}, {1<<20 + 1, time.Second},
		{1, 0}, {1, -time.Second}, {1, time.Millisecond - time.Microsecond}, {1, time.Hour + time.Microsecond}, {1, time.Millisecond + time.Nanosecond},
	} {
		_, err := inflight.New(conn, wrong.most, wrong.ttl)
		_, localErr := inflight.NewLocal(wrong.most, wrong.ttl)
		_, withErr := good.With(wrong.most, wrong.ttl)
		_, localWithErr := goodLocal.With(wrong.most, wrong.ttl)
		for _, err := range []error{err, localErr, withErr, localWithErr} {
			if !errors.Is(err, algorithms.ErrInvalidLimit) {
				t.Errorf("%d leases of %v: %v, want ErrInvalidLimit", wrong.most, wrong.ttl, err)
			}
		}
	}
	var none *resptest.Conn
	for _, run := range []scripts.Runner{nil, none} {
		if _, err := inflight.New(run, 1, time.Second); !errors.Is(err, algorithms.ErrNilRunner) {
			t.Errorf("a nil runner: %v", err)
		}
	}
	if _, err := inflight.New(conn, 1, time.Second, nil); !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("a nil option: %v", err)
	}
	if _, err := inflight.NewLocal(1, time.Second, algorithms.MaxKeys(0)); !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("no keys: %v", err)
	}
}

// TestBounds: the largest arguments work.
func TestBounds(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for most, ttl := range map[int64]time.Duration{1: time.Hour, 1 << 20: time.Millisecond} {
		r, err := errtest.Must(inflight.New(conn, most, ttl)).Acquire(context.Background(), ttl.String(), inflight.NewID())
		if err != nil || r != (algorithms.Result{Allowed: true, Limit: most, Remaining: most - 1, ResetAfter: ttl}) {
			t.Errorf("%d leases of %v: %+v, %v", most, ttl, r, err)
		}
	}
}

// TestKeyOnServer: keys on the server have the form that the README of package scripts describes. They name neither the
// number of leases nor the time to live.
func TestKeyOnServer(t *testing.T) {
	server, conn := resptest.Miniredis(t)
	for _, opts := range [][]algorithms.Option{nil, {algorithms.WithName("exports")}, {algorithms.WithPrefix("app")}} {
		l := errtest.Must(inflight.New(conn, 3, time.Minute, opts...))
		if _, err := l.Acquire(context.Background(), "alice", "a"); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"weir:{alice}:inflight", "weir:{alice}:inflight:exports", "app:{alice}:inflight"} {
		if !server.Exists(key) {
			t.Errorf("no key %q in %q", key, server.Keys())
		}
	}
}

// TestLocalOfRemote: all Locals of a Remote, and of the limiters that its With returns, share their leases.
func TestLocalOfRemote(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	l := errtest.Must(inflight.New(conn, 2, time.Minute))
	first := errtest.Must(l.Local())
	second := errtest.Must(errtest.Must(l.With(1, time.Minute)).Local())
	if r, err := first.Acquire(context.Background(), "k", "a"); err != nil || !r.Allowed || first.TTL() != time.Minute {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := second.Acquire(context.Background(), "k", "b"); err != nil || r.Allowed {
		t.Errorf("the other Local: %+v, %v, want a refusal", r, err)
	}
	if same, err := first.(*inflight.Local).Local(); err != nil || same != first {
		t.Errorf("a Local's Local is %v, %v", same, err)
	}
	if r, err := l.Peek(context.Background(), "k"); err != nil || r.Remaining != 2 {
		t.Errorf("on the server: %+v, %v, want none held", r, err)
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := inflight.NewID()
		if len(id) != 32 || seen[id] {
			t.Fatalf("id %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
	}
}

package goredisrunner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const packageName = "goredisrunner"

// mostHanging is how many calls may be in the client after their callers have left. Each takes a goroutine of about ten
// kilobytes.
const mostHanging = 1024

// ErrHanging is wrapped by the error of Run if 1024 calls hang in the client after the contexts of their callers have ended. The
// call was not sent. Calls are sent again as soon as one of the 1024 has returned.
var ErrHanging = errors.New("too many calls hang in the client")

// A bound ends calls when their contexts end, even if the client doesn't.
type bound struct {
	hanging atomic.Int64
}

// A flight is a call in a goroutine of its own.
type flight struct {
	settled atomic.Bool // set by whichever comes first: the end of the call, or its caller's leaving
	done    chan struct{}

	reply    []int64
	err      error
	returned bool
	panicked any
}

// do makes a call of the script of that name in a goroutine of its own. It returns the result of the call, or an error that
// wraps ctx's as soon as ctx ends. A client that obeys contexts notices the end too: do gives its call the time grace to return.
// If the call panics, do panics. The call must not use memory of the caller of do, which may return before it.
func (b *bound) do(
	ctx context.Context, script string, grace time.Duration, call func() ([]int64, error),
) ([]int64, error) {
	if ctx.Done() == nil {
		return call()
	}
	if n := b.hanging.Load(); n >= mostHanging {
		return nil, fmt.Errorf("%s: %s: %w: %d whose contexts have ended, want fewer than %d: nothing was sent",
			packageName, script, ErrHanging, n, mostHanging)
	}
	f := &flight{done: make(chan struct{})}
	go f.run(b, call)
	select {
	case <-f.done:
	case <-ctx.Done():
		f.await(ctx, grace)
		b.hanging.Add(1)
		if f.settled.CompareAndSwap(false, true) {
			return nil, fmt.Errorf("%s: %s: %w: no answer, so the script may run or have run", packageName, script, end(ctx))
		}
		b.hanging.Add(-1)
		<-f.done
	}
	if f.panicked != nil {
		panic(f.panicked)
	}
	if !f.returned {
		runtime.Goexit() // as the call did
	}
	return f.reply, f.err
}

// run makes the call and reports to its caller. If the caller has left, it logs a panic.
func (f *flight) run(b *bound, call func() ([]int64, error)) {
	defer func() {
		f.panicked = recover()
		if f.settled.CompareAndSwap(false, true) {
			close(f.done)
			return
		}
		b.hanging.Add(-1)
		if f.panicked != nil {
			slog.Error(packageName+": panic in a call whose context had ended", "panic", f.panicked, "stack", string(debug.Stack()))
		}
	}()
	f.reply, f.err = call()
	f.returned = true
}

// await lets other goroutines run, and waits for the end of the call for up to grace.
func (f *flight) await(ctx context.Context, grace time.Duration) {
	for range 8 {
		select {
		case <-f.done:
			return
		default:
			runtime.Gosched()
		}
	}
	if grace <= 0 || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-f.done:
	case <-timer.C:
	}
}

// end returns the error of a context that has ended, with its cause if that is another error.
func end(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

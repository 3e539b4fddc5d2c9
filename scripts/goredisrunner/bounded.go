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

// mostHanging is how many calls may be in the client after their callers have left. Each holds a goroutine, some ten
// kilobytes.
const mostHanging = 1024

// ErrHanging is wrapped by the error of Run if 1024 calls hang in the client, though the contexts of their callers have
// ended. The call was not sent. Calls are sent again as soon as one of those has returned.
var ErrHanging = errors.New("too many calls hang in the client")

// A bound ends calls with their contexts, whether or not the client does.
type bound struct {
	hanging atomic.Int64
}

// A flight is a call in a goroutine of its own.
type flight struct {
	settled atomic.Bool // by whichever came first: the end of the call, or its caller's leaving
	done    chan struct{}

	reply    []int64
	err      error
	returned bool
	panicked any
}

// do makes a call of the script of that name in a goroutine of its own. It returns what the call returns, or an error that
// wraps ctx's as soon as ctx ends. A call that is about to return at that moment, as its client has heard of the end too, is given grace to do so.
// A panic of the call is one of do. The call must not use what belongs to the caller of do.
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
		runtime.Goexit() // as the call has
	}
	return f.reply, f.err
}

// run makes the call and tells its caller, or the log if a panic has no caller any more.
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

// end is the error of a context that has ended, with its cause if that is another.
func end(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

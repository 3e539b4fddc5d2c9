package coalesce

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/go-weir/weir/scripts"
)

// waiter is a call that waits or is under way.
type waiter struct {
	ctx    context.Context
	script *scripts.Script
	keys   []string
	args   []string

	// Runner.mu guards these.
	lane        *lane
	node        node[*waiter] // in the lane's queue
	flight      *flight       // with which it was sent
	taken, gone bool          // taken for sending; given up by its caller

	answered chan struct{} // has room for the one answer, so that the sender never blocks
	reply    []int64
	err      error
}

// waiters are used again, except those that were given up: an answer may still come for them.
var waiters = sync.Pool{New: func() any { return &waiter{answered: make(chan struct{}, 1)} }}

func newWaiter(ctx context.Context, s *scripts.Script, keys, args []string) *waiter {
	w := waiters.Get().(*waiter)
	*w = waiter{ctx: ctx, script: s, keys: keys, args: args, answered: w.answered}
	w.node.value = w
	return w
}

// bytes returns how many bytes the keys and arguments have.
func (w *waiter) bytes() (n int) {
	for _, key := range w.keys {
		n += len(key)
	}
	for _, arg := range w.args {
		n += len(arg)
	}
	return n
}

// await returns the answer, or the context's error when that ends sooner.
func (c *Runner) await(ctx context.Context, w *waiter) ([]int64, error) {
	select {
	case <-w.answered:
		return w.done()
	case <-ctx.Done():
	}
	name := w.script.Name()
	if c.leave(w) {
		return nil, fmt.Errorf("weir: %s: nothing was sent: %w", name, ctx.Err())
	}
	select {
	case <-w.answered: // it came at the last moment
		return w.done()
	default:
		return nil, fmt.Errorf("weir: %s: gave up waiting for an answer: %w", name, ctx.Err())
	}
}

// leave gives up a waiter. It reports whether the call was still in the queue, so that nothing was sent.
func (c *Runner) leave(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.gone = true
	if !w.taken {
		w.node.remove()
		c.queued--
		c.watch(w.lane)
		c.tidy(w.lane)
		return true
	}
	f := w.flight
	if f.waiting--; f.waiting == 0 { // no caller reads the answer
		if f.cancel != nil {
			f.cancel()
		}
		f.release()
		c.dispatch(f.lane)
	}
	return false
}

// left reports whether the waiter's caller has given up.
func (c *Runner) left(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return w.gone
}

// done returns the answer, and puts the waiter into the pool.
func (w *waiter) done() ([]int64, error) {
	reply, err := w.reply, w.err
	*w = waiter{answered: w.answered}
	waiters.Put(w)
	if p, ok := err.(*PanicError); ok { //nolint:errorlint // a panic is never wrapped here
		panic(p)
	}
	return reply, err
}

// answer passes the answer to the caller, who may use the waiter again from then on.
func (w *waiter) answer(reply []int64, err error) {
	w.reply, w.err = reply, err
	w.answered <- struct{}{}
}

// A PanicError is the value with which Run of a [Runner] panics if the runner behind it, or a hook of the client, panicked in
// another goroutine.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of the goroutine that panicked, as debug.Stack formats it
}

func panicOf(value any) *PanicError {
	if p, ok := value.(*PanicError); ok { // the runner behind is a Runner of this package
		return p
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// Error returns the value and the stack.
func (p *PanicError) Error() string {
	return fmt.Sprintf("weir: a panic in the runner: %v\n\n%s", p.Value, p.Stack)
}

// Unwrap returns the value if it is an error, and nil otherwise.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

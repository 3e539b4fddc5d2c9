package httplimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// maxHung is how many questions to a limiter may have been given up and still run before it isn't asked any
// more, so that goroutines don't pile up behind a server that hangs. The questions that are under way at that
// moment are not counted.
const maxHung = 1024

// ErrHung is the error of a request for which a limiter was not asked, because 1,024 earlier questions to it
// were given up at their [Timeout] and still have no answer. The function of [OnError] is told, and the policy
// decides.
var ErrHung = errors.New("weir: limiter hangs")

var errNoAnswer = errors.New("weir: limiter ended its goroutine")

// A question is what a limiter is asked: to admit a cost, or whether it would.
type question struct {
	limiter algorithms.Limiter
	key     string
	cost    int64
	peek    bool
}

func (q question) ask(ctx context.Context) (algorithms.Result, error) {
	if q.peek {
		return q.limiter.PeekN(ctx, q.key, q.cost)
	}
	return q.limiter.AllowN(ctx, q.key, q.cost)
}

// ask asks the question and returns within the timeout, or when ctx ends, also where the limiter doesn't:
// it is asked in another goroutine. An answer that comes later is dropped. A panic goes on in the caller.
func ask(ctx context.Context, timeout time.Duration, hung *atomic.Int64, q question) (algorithms.Result, error) {
	if timeout == 0 {
		return q.ask(ctx)
	}
	if err := ctx.Err(); err != nil {
		return algorithms.Result{}, fmt.Errorf("weir: nothing was asked: %w", err)
	}
	if hung.Load() >= maxHung {
		return algorithms.Result{}, fmt.Errorf("%w: %d questions are unanswered", ErrHung, maxHung)
	}
	c := calls.Get().(*call)
	c.question, c.hung, c.ctx = q, hung, newDeadline(ctx, timeout)
	c.timer.Reset(timeout)
	go c.run()
	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(asked, givenUp) {
			c.leave(ctx.Err())
			return algorithms.Result{}, fmt.Errorf("weir: waiting for the limiter: %w", ctx.Err())
		}
		<-c.done
	}
	if c.state.Load() == givenUp {
		c.leave(context.DeadlineExceeded)
		return algorithms.Result{}, fmt.Errorf("weir: no answer within %v: %w", timeout, context.DeadlineExceeded)
	}
	return c.answer()
}

// A call is a question on its way. Three goroutines know of it: who waits for the answer, who asks the
// limiter, and at the timeout the timer's. The one that changes its state from asked has the last word.
type call struct {
	question
	ctx  *deadline
	hung *atomic.Int64

	state    atomic.Int32
	done     chan struct{} // the state has changed
	result   algorithms.Result
	err      error
	panicked any

	timer *time.Timer
	run   func() // asks; kept, as a func made for each go statement would be allocated
}

// The states of a call.
const (
	asked int32 = iota
	answered
	givenUp
)

var calls = sync.Pool{New: func() any { return newCall() }}

func newCall() *call {
	c := &call{done: make(chan struct{}, 1)}
	// A timer that calls costs less than half of one that sends: nothing selects on it.
	c.timer = time.AfterFunc(time.Hour, func() { c.settle(givenUp) })
	c.timer.Stop()
	c.run = func() {
		c.err = errNoAnswer
		defer c.end()
		c.result, c.err = c.ask(c.ctx)
	}
	return c
}

// settle changes the state of a call that is asked, and reports whether it was.
func (c *call) settle(state int32) bool {
	if !c.state.CompareAndSwap(asked, state) {
		return false
	}
	c.done <- struct{}{}
	return true
}

// end ends the goroutine that asks, also where the limiter panics.
func (c *call) end() {
	c.panicked = recover()
	if !c.settle(answered) {
		c.hung.Add(-1)
	}
}

// leave leaves a call that was given up to the goroutine that asks.
func (c *call) leave(err error) {
	c.timer.Stop()
	c.hung.Add(1)
	c.ctx.end(err)
}

// answer returns the answer, and the call to the pool.
func (c *call) answer() (algorithms.Result, error) {
	reusable := c.timer.Stop() // else its function runs, and must not meet another question
	c.ctx.end(context.Canceled)
	result, err, panicked := c.result, c.err, c.panicked
	if reusable {
		c.question, c.ctx, c.hung, c.err, c.panicked = question{}, nil, nil, nil, nil
		c.state.Store(asked)
		calls.Put(c)
	}
	if panicked != nil {
		panic(panicked)
	}
	return result, err
}

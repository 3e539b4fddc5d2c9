package ask

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A call is a question that is being asked. Three goroutines share it: the one that waits for the answer, the one that calls the
// limiter, and the timer's. The one that changes the state from asked decides how the question ends.
type call struct {
	Question
	ctx   *deadline
	asker *Asker
	own   bool // the deadline is that of the caller's context

	state    atomic.Int32
	graced   atomic.Bool   // the context has ended, and the grace has begun
	done     chan struct{} // receives when the state has changed
	result   algorithms.Result
	err      error
	panicked any

	timer *time.Timer
	run   func() // calls the limiter; kept, because each go statement with a new func would allocate
}

// The states of a call.
const (
	asked int32 = iota
	answered
	givenUp
)

// grace is how long a limiter that obeys its context has after its deadline to return an error that tells the cause.
const grace = 5 * time.Millisecond

// patience is how long the limiter may go on with a question that is Patient. A client library may try to connect for some
// seconds before it reports what failed.
const patience = 10 * time.Second

var calls = sync.Pool{New: func() any { return newCall() }}

func newCall() *call {
	c := &call{done: make(chan struct{}, 1)}
	// A timer that calls a function costs less than half of one that sends on a channel.
	c.timer = time.AfterFunc(time.Hour, c.expire)
	c.timer.Stop()
	c.run = func() {
		c.err = errNoAnswer
		defer c.end()
		c.result, c.err = c.put(c.ctx)
	}
	return c
}

// expire is called by the timer. At the deadline it ends the context, and after the grace the call.
func (c *call) expire() {
	if c.graced.Load() || c.isPatient() {
		c.settle(givenUp)
		return
	}
	c.graced.Store(true) // before the context ends, so that an error that its end causes counts as late
	c.ctx.end(context.DeadlineExceeded)
	c.timer.Reset(grace)
}

func (c *call) isPatient() bool { return c.Patient && !c.own }

// settle changes the state from asked, and reports whether it did.
func (c *call) settle(state int32) bool {
	if !c.state.CompareAndSwap(asked, state) {
		return false
	}
	c.done <- struct{}{}
	return true
}

// end ends the goroutine that calls the limiter, even if the limiter panics.
func (c *call) end() {
	c.panicked = recover()
	if !c.settle(answered) {
		c.tellLate()
		c.asker.hung.Add(-1)
	}
}

// tellLate reports how a question ended that was given up.
func (c *call) tellLate() {
	switch end := c.ctx.Err(); {
	case c.panicked != nil:
		if c.asker.OnLate != nil {
			c.asker.OnLate(c.Tag, fmt.Errorf("weir: limiter panicked after its question was given up: %w\n%s", panicError{c.panicked}, debug.Stack()))
		}
	case c.err == nil:
		c.asker.late.Store(nil)
	case !errors.Is(end, context.Canceled) && !c.own && c.err != end: //nolint:errorlint // the bare error says nothing
		c.asker.late.Store(&lateError{c.err})
	}
}

// leave gives up a call, whose limiter is still running. The goroutine that calls the limiter keeps it.
func (c *call) leave(err error) {
	c.timer.Stop()
	c.asker.hung.Add(1)
	if c.isPatient() && errors.Is(err, context.DeadlineExceeded) {
		time.AfterFunc(patience, func() { c.ctx.end(err) })
		return
	}
	c.ctx.end(err)
}

// answer returns the answer, and puts the call back into the pool.
func (c *call) answer() (algorithms.Result, error) {
	reusable := c.timer.Stop() // otherwise expire is running, and the call can't be used again
	c.ctx.end(context.Canceled)
	result, err, panicked := c.result, c.err, c.panicked
	if reusable {
		c.graced.Swap(false) // orders the following writes after the reads of expire
		c.Question, c.ctx, c.asker, c.err, c.panicked = Question{}, nil, nil, nil, nil
		c.state.Store(asked)
		calls.Put(c)
	}
	if panicked != nil {
		panic(panicked)
	}
	return result, err
}

// Package ask calls limiters that may fail or hang. The caller gets the answer in time, or an error that tells what is known of
// the cause.
package ask

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// maxHung is how many calls of a limiter may have been given up and still run. At that number the limiter isn't called any
// more, so that goroutines don't pile up behind a server that hangs. Calls whose callers still wait are not counted.
const maxHung = 1024

// ErrHung is the error of a question that was not asked, because maxHung earlier ones hang.
var ErrHung = errors.New("weir: limiter hangs")

var errNoAnswer = errors.New("weir: limiter ended its goroutine")

// A Question is one call of a limiter: Reset or PeekN, if the field of that name says so, and otherwise AllowN.
type Question struct {
	Limiter algorithms.Limiter
	Key     string
	Cost    int64
	Peek    bool
	Reset   bool

	// Timeout is how long to wait for the answer. If it is 0, the limiter is called in the caller's goroutine, and only the
	// context bounds the call.
	Timeout time.Duration

	// InProcess means that the limiter decides at once, in this process. There is no timeout, and with Detached no deadline.
	InProcess bool

	// Detached means that a cancellation of the context doesn't end the question. Its deadline does.
	Detached bool

	// Patient means that the limiter may go on for patience after the question was given up at the Timeout, so that its error
	// tells the cause. It is for questions that are asked one at a time.
	Patient bool

	// Tag is passed to OnLate.
	Tag any
}

func (q *Question) put(ctx context.Context) (algorithms.Result, error) {
	switch {
	case q.Reset:
		return algorithms.Result{}, q.Limiter.Reset(ctx, q.Key)
	case q.Peek:
		return q.Limiter.PeekN(ctx, q.Key, q.Cost)
	}
	return q.Limiter.AllowN(ctx, q.Key, q.Cost)
}

// An Asker asks questions of one limiter, or of several on one server.
type Asker struct {
	// OnLate is called if the limiter panics after its question was given up; nil for none.
	OnLate func(tag any, err error)

	hung atomic.Int64              // questions that were given up and still run
	late atomic.Pointer[lateError] // the error of the last question that was given up, if it failed
}

type lateError struct{ err error }

// Ask asks the question. It returns within the Timeout, or when ctx ends, even if the limiter doesn't, as it calls the limiter in
// another goroutine. A later answer is dropped. A panic of the limiter is passed on to the caller.
//
// If the context has ended, the error is an [EndedError]. That includes a deadline that a socket has noticed before the
// context's own timer. After the Timeout the error wraps context.DeadlineExceeded, and the limiter's error for this question
// or for an earlier one.
func (a *Asker) Ask(ctx context.Context, q Question) (algorithms.Result, error) {
	if end := q.endOf(ctx); end != nil {
		return algorithms.Result{}, &EndedError{end: end}
	}
	if q.Timeout == 0 || q.InProcess {
		return q.here(ctx)
	}
	if a.hung.Load() >= maxHung {
		return algorithms.Result{}, fmt.Errorf("%w: %d questions are unanswered", ErrHung, maxHung)
	}
	bound, own := newDeadline(ctx, q.Timeout)
	wait := time.Until(bound.at)
	if q.Patient && !own {
		bound.at = bound.at.Add(patience)
	}
	c := calls.Get().(*call)
	c.Question, c.asker, c.ctx, c.own = q, a, bound, own
	c.timer.Reset(wait)
	go c.run()
	var gone <-chan struct{}
	if !q.Detached {
		gone = ctx.Done()
	}
	select {
	case <-c.done:
	case <-gone:
		if c.state.CompareAndSwap(asked, givenUp) {
			c.leave(ctx.Err())
			return algorithms.Result{}, &EndedError{end: ctx.Err()}
		}
		<-c.done
	}
	if c.state.Load() == givenUp {
		c.leave(context.DeadlineExceeded)
		return algorithms.Result{}, a.noAnswer(q.Timeout, own, nil)
	}
	timedOut := c.graced.Load()
	result, err := c.answer()
	switch {
	case err == nil:
		if a.late.Load() != nil {
			a.late.Store(nil)
		}
		return result, nil
	case timedOut && !IsOfArguments(err):
		return algorithms.Result{}, a.noAnswer(q.Timeout, own, err)
	}
	return algorithms.Result{}, q.settle(ctx, own, err)
}

// here calls the limiter in this goroutine.
func (q *Question) here(ctx context.Context) (algorithms.Result, error) {
	asked := ctx
	if q.Detached {
		asked = context.WithoutCancel(ctx)
		if at, ok := ctx.Deadline(); ok && !q.InProcess {
			var cancel context.CancelFunc
			asked, cancel = context.WithDeadline(asked, at)
			defer cancel()
		}
	}
	result, err := q.put(asked)
	if err != nil {
		_, bounded := ctx.Deadline()
		return algorithms.Result{}, q.settle(ctx, bounded, err)
	}
	return result, nil
}

// noAnswer returns the error of a question without an answer in time. own means that the caller's own deadline has passed.
func (a *Asker) noAnswer(timeout time.Duration, own bool, cause error) error {
	if own {
		return &EndedError{context.DeadlineExceeded, cause}
	}
	if cause != nil {
		return &timeoutError{timeout, cause, ""}
	}
	if late := a.late.Load(); late != nil {
		return &timeoutError{timeout, late.err, "; an earlier question failed with "}
	}
	return &timeoutError{timeout, nil, ""}
}

// settle returns the limiter's error, as an EndedError if the context has ended. own means that the deadline of the question
// was that of the context.
func (q *Question) settle(ctx context.Context, own bool, err error) error {
	if IsOfArguments(err) {
		return err
	}
	if end := q.endOf(ctx); end != nil {
		return &EndedError{end, err}
	}
	var timeout interface{ Timeout() bool }
	if own && errors.As(err, &timeout) && timeout.Timeout() {
		return &EndedError{context.DeadlineExceeded, err}
	}
	return err
}

// endOf returns the error of a context that has ended, if that ends the question.
func (q *Question) endOf(ctx context.Context) error {
	if !q.Detached {
		return Ended(ctx)
	}
	if q.InProcess {
		return nil
	}
	return late(ctx)
}

// Ended returns the error of a context that has ended, or nil. A deadline has passed if the clock says so, which may be before
// the context's own timer.
func Ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return late(ctx)
}

func late(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
		return context.DeadlineExceeded
	}
	return nil
}

// Package ask asks limiters that may fail. The answer, or an error that tells what is known of the cause, comes in time
// whatever the limiter does.
package ask

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// maxHung is how many questions to a limiter may have been given up and still run before it isn't asked any
// more, so that goroutines don't pile up behind a server that hangs. The questions that are under way at that
// moment are not counted.
const maxHung = 1024

// ErrHung is the error of a question that was not asked, as maxHung earlier ones hang.
var ErrHung = errors.New("weir: limiter hangs")

var errNoAnswer = errors.New("weir: limiter ended its goroutine")

// A Question is what a limiter is asked: to admit a cost, whether it would, or to forget the key.
type Question struct {
	Limiter algorithms.Limiter
	Key     string
	Cost    int64
	Peek    bool
	Reset   bool

	// Timeout is how long the answer is waited for. With 0 the limiter is asked in the caller's goroutine, and nothing
	// but the context bounds the question.
	Timeout time.Duration

	// InProcess says that the limiter decides in this process, at once. There is no timeout, and with Detached no deadline.
	InProcess bool

	// Detached says that the end of the context by a cancel is no reason to give up the question. Its deadline is.
	Detached bool

	// Patient says that the limiter may go on for patience when the question was given up at the Timeout, so that it comes
	// to know the cause. It is for questions of which there is one at a time.
	Patient bool

	// Tag is handed to OnLate.
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
	// OnLate is told of a panic of the limiter after its question was given up; nil for none.
	OnLate func(tag any, err error)

	hung atomic.Int64              // questions that were given up, and still run
	late atomic.Pointer[lateError] // of the last question that was given up, if it failed
}

type lateError struct{ err error }

// Ask asks the question. It returns within the Timeout, or when ctx ends, also where the limiter doesn't: the limiter is
// asked in another goroutine. An answer that comes later is dropped. A panic goes on in the caller.
//
// If it is the context that has ended, the error is an [EndedError], also in the instant between a socket's deadline and
// the context's own timer. After the Timeout the error wraps context.DeadlineExceeded and what the limiter then gave as the
// cause, or gave for an earlier question.
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

// here asks in this goroutine.
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

// noAnswer returns the error of a question that had no answer in time. own says that the time was the caller's own.
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

// settle returns the limiter's error, as an EndedError if the context has ended. own says that the deadline of the question
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

// endOf returns the error with which the context has ended, if that ends the question.
func (q *Question) endOf(ctx context.Context) error {
	if !q.Detached {
		return Ended(ctx)
	}
	if q.InProcess {
		return nil
	}
	return late(ctx)
}

// Ended returns the error with which the context has ended, or nil. A deadline has passed when the clock says so, which may
// be before the context's own timer.
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

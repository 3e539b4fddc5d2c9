package algorithms

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/internal/option"
)

// Wait waits until the limiter admits n events of the key, and returns nil then: the n events are charged, and may happen. It
// is for work that is to be late rather than refused, such as calls of another service that has a limit.
//
// Use AllowN for a server that answers others: it tells them at once that they are too many. Use leakybucket.Queue, whose
// Wait has the same purpose, if callers must go in the order in which they came, exactly Period/Rate apart, or be refused when
// too many wait. Wait has no order. It works over every limiter and within its limit, bursts included: callers that have
// waited may go at one moment, where the limiter admits them at one moment. Requests of a smaller n fit sooner, and a large n
// may wait for as long as smaller ones keep coming.
//
// # When it gives up
//
// Wait returns an error, and keeps nothing, in these cases:
//
//   - at once, if ctx's deadline comes before the time at which the limiter could admit the events. The error says how long
//     the wait is, and wraps context.DeadlineExceeded. Others that wait may make the wait longer than that: then Wait
//     notices when its next question is denied, or at the deadline;
//   - at once, if n can never be admitted (the error wraps [ErrCostExceedsLimit]), or is below 1 ([ErrInvalidCost]);
//   - when ctx ends. The error wraps ctx's;
//   - at the first error of the limiter, which is returned.
//
// Nothing has been charged then, with one exception, which is that of AllowN: if ctx ends or the connection fails while the
// limiter is being asked, the events may have been charged, once at most. An admission that comes after the end of ctx is no
// error: Wait returns nil.
//
// # What it asks of the server
//
// A denial tells how long to wait, and Wait asks again after that time and a random part more: never sooner. Calls with an
// equal limiter and key wait in one line in this process. Only the one with the smallest n asks, as its denial is true of all.
// An admission that leaves more lets as many others ask as that is for, up to 32 at a time. So a key costs the server about
// two questions for an admission and one more for each other process that waits. The more of them are denied in vain, the
// longer is the random part. A limiter whose denials don't tell the wait is asked after a millisecond, and then less and less
// often, down to once a second.
func Wait(ctx context.Context, limiter Limiter, key string, n int64) error {
	if option.IsNil(limiter) {
		return fmt.Errorf("%w: want one to ask", ErrNilLimiter)
	}
	if err := ended(ctx); err != nil {
		return err
	}
	w := &waiter{n: n, place: -1, called: make(chan struct{}, 1)}
	w.deadline, w.bounded = ctx.Deadline()
	l := joinLine(limiter, key)
	defer l.leave(w)
	for {
		due, turn, wait := l.next(w)
		switch {
		case wait > 0:
			return tooLate(wait, time.Until(w.deadline))
		case !turn:
			select {
			case <-w.called:
			case <-ctx.Done():
				return ended(ctx)
			}
			continue
		}
		if err := sleep(ctx, due); err != nil {
			return err
		}
		result, err := limiter.AllowN(ctx, key, n)
		switch {
		case err != nil:
			return err
		case result.Allowed:
			l.admitted(w, result.Remaining)
			return nil
		case result.Limit > 0 && n > result.Limit:
			return fmt.Errorf("%w: %d, want 1 to %d", ErrCostExceedsLimit, n, result.Limit)
		}
		l.denied(w, result.RetryAfter)
		if left := time.Until(w.deadline); w.bounded && result.RetryAfter > left {
			return tooLate(result.RetryAfter, left)
		}
	}
}

// tooLate returns the error of a caller whose context ends before the wait is over.
func tooLate(wait, left time.Duration) error {
	return fmt.Errorf("weir: nothing was charged: the wait is %v at least, and the context ends in %v: %w",
		wait.Round(time.Microsecond), left.Round(time.Microsecond), context.DeadlineExceeded)
}

// sleep returns nil at a time, or an error when the context ends.
func sleep(ctx context.Context, until time.Time) error {
	if d := time.Until(until); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ended(ctx)
}

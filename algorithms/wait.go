package algorithms

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/internal/option"
)

// Wait waits until the limiter admits n events of the key, charges them, and returns nil. It is for work that may be delayed
// but not refused, such as calls to another service that has a limit.
//
// A server that has to answer at once uses AllowN instead. Callers that must go in the order in which they came, exactly
// Period/Rate apart, or be refused when too many wait, use the Wait of leakybucket.Queue. This Wait promises no order. It
// works with every limiter and within its limit, including bursts: several waiting callers may go at the same moment. A
// request of a smaller n fits sooner, so a large n may wait for as long as smaller ones keep coming.
//
// # When it gives up
//
// Wait returns an error in these cases:
//
//   - at once, if ctx's deadline comes before the time at which the limiter could admit the events. The error says how long
//     the wait is, and wraps context.DeadlineExceeded. If other callers make the wait longer than that, Wait notices it when
//     it asks again and is denied, or at the deadline;
//   - at once, if n can never be admitted (the error wraps [ErrCostExceedsLimit]), or is below 1 ([ErrInvalidCost]);
//   - when ctx ends. The error wraps ctx's;
//   - at the first error of the limiter, which is returned.
//
// Nothing has been charged then, with the same exception as for AllowN: if ctx ends or the connection fails during a call of
// the limiter, the events may have been charged, at most once. If the limiter admits the events although ctx has just ended,
// Wait returns nil.
//
// # Load on the server
//
// A denial tells how long to wait. Wait asks again after that time and a random part more, never sooner. In one process,
// calls with an equal limiter and key share one line, and only the call with the smallest n asks: if it is denied, all
// others would be too. If an admission leaves room for more, the calls that fit into the room ask too, up to 32 at a time.
// So each admission of a key costs the server about two calls, and one more for each other process that waits. The random
// part grows with the number of denials in a row. If a limiter's denials don't tell the wait, Wait asks after a millisecond,
// and then less and less often, down to once a second.
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
	return fmt.Errorf("weir: nothing was charged: the wait is at least %v, but the context ends in %v: %w",
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

package leakybucket

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// ErrQueueFull is wrapped by the error of Wait if as many requests wait already as may.
var ErrQueueFull = errors.New("weir: queue full")

// A Slot is a queue's answer to one request. Durations are whole microseconds.
type Slot struct {
	// Accepted tells whether the request has a place. A refused request has taken none.
	Accepted bool

	// Delay is how long an accepted request waits for its departure, rounded up to a whole
	// microsecond. Departures are exactly Period/Rate apart and don't drift.
	Delay time.Duration

	// Queued is how many requests wait, this one included if it was accepted and has to.
	Queued int64

	// RetryAfter is 0 if the request was accepted. Else it is the exact wait after which there is a
	// place, if no other request takes it.
	RetryAfter time.Duration
}

// A Queue is the leaky bucket as a queue, or shaper: it lets requests out at a constant rate, and
// makes up to limit.Burst of them wait before it refuses any. It keeps its state on a Redis or Valkey
// server, and is safe for concurrent use, in any number of processes.
type Queue struct {
	caller remote.Caller
	rule   queueRule
	limit  algorithms.Limit
}

// NewQueue returns a queue that keeps its state on run's server. Departures are
// limit.Period/limit.Rate apart. At most limit.Burst requests wait, besides the one that leaves at
// once. A Burst of 0 means Rate.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. NewQueue sends nothing.
func NewQueue(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (*Queue, error) {
	settings, err := option.Apply(opts)
	if err != nil {
		return nil, err
	}
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	caller, err := remote.New(run, settings, rule.identity)
	if err != nil {
		return nil, err
	}
	return &Queue{caller, rule, limit}, nil
}

// With returns a queue with the same options under another limit. A key has a queue for each limit, and none of them
// counts the requests that wait in another. The error wraps algorithms.ErrInvalidLimit.
func (q *Queue) With(limit algorithms.Limit) (*Queue, error) {
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &Queue{q.caller.For(rule.identity), rule, limit}, nil
}

// Limit returns the limit that the queue was made with.
func (q *Queue) Limit() algorithms.Limit { return q.limit }

// Schedule takes a place in the key's queue, if there is one, and tells when it departs. The caller
// does the waiting. The place stays taken whether or not the caller makes use of it.
func (q *Queue) Schedule(ctx context.Context, key string) (Slot, error) {
	return q.schedule(ctx, key, "")
}

// Wait takes a place in the key's queue and returns nil when it is this caller's turn. If there is no
// place, it returns an error that wraps [ErrQueueFull] at once. If ctx would end before the turn comes,
// it takes no place and returns an error that wraps context.DeadlineExceeded at once. If ctx is
// canceled during the wait, it returns an error that wraps ctx's, and the place stays taken.
func (q *Queue) Wait(ctx context.Context, key string) error {
	return wait(ctx, func(patience time.Duration) (Slot, error) {
		us := ""
		if patience > 0 {
			us = strconv.FormatInt(patience.Microseconds(), 10)
		}
		return q.schedule(ctx, key, us)
	})
}

// Reset forgets the key under this limit: the next request leaves at once. Requests that wait already
// are not told.
func (q *Queue) Reset(ctx context.Context, key string) error { return q.caller.Reset(ctx, key) }

func (q *Queue) schedule(ctx context.Context, key, patience string) (Slot, error) {
	now, err := q.caller.Now()
	if err != nil {
		return Slot{}, err
	}
	reply, err := q.caller.Call(ctx, scripts.Queue, key, q.rule.args(patience, now))
	if err != nil {
		return Slot{}, err
	}
	return q.rule.slot(emission.Standing(reply)), nil
}

// wait sleeps until the turn that schedule gives. Schedule is told how long the context lasts, or 0
// for one that has no deadline, and refuses a longer wait.
func wait(ctx context.Context, schedule func(patience time.Duration) (Slot, error)) error {
	var patience time.Duration
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Until(deadline), time.Microsecond)
	}
	slot, err := schedule(patience)
	switch {
	case err != nil:
		return err
	case !slot.Accepted && slot.RetryAfter > 0:
		return fmt.Errorf("%w: %d wait, a place is free in %v", ErrQueueFull, slot.Queued, slot.RetryAfter)
	case !slot.Accepted:
		return fmt.Errorf("weir: the wait would be %v, the context ends in %v: %w", slot.Delay, patience, context.DeadlineExceeded)
	case slot.Delay == 0:
		return nil
	}
	timer := time.NewTimer(slot.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("weir: waiting in the queue: %w", ctx.Err())
	}
}

// queueRule is the queue under one limit.
type queueRule struct {
	emission.Interval
	identity string // a queue and a meter of the same KEY have keys of their own
	burst    int64
	interval emission.Span
	longest  emission.Span // the longest wait, Burst·T
}

func newQueueRule(limit algorithms.Limit) (queueRule, error) {
	if err := limit.Validate(); err != nil {
		return queueRule{}, err
	}
	of := rule.Limit{Rate: limit.Rate, Period: limit.Period.Microseconds(), Burst: limit.Burst}
	t, burst := emission.Of(of), limit.BurstOrRate()
	return queueRule{t, "leakybucket-queue:" + rule.RateText(of), burst, t.Times(1), t.Times(burst)}, nil
}

// args is what scripts/queue.lua is told of a request at now that is to wait less than patience; either is
// empty for none.
func (r queueRule) args(patience, now string) []string {
	args := make([]string, 0, 7)
	args = append(args, strconv.FormatInt(r.interval.Us, 10), strconv.FormatInt(r.longest.Us, 10))
	if r.Den() > 1 {
		return append(args, patience, now,
			strconv.FormatInt(r.interval.Part, 10), strconv.FormatInt(r.longest.Part, 10), strconv.FormatInt(r.Den(), 10))
	}
	if patience != "" || now != "" {
		args = append(args, patience, now)
	}
	return args
}

// slot says in a Slot what was decided on a request whose departure is, or would have been, wait
// from now. One that was refused with RetryAfter 0 found a place, but not in its own time.
func (r queueRule) slot(accepted bool, wait emission.Span) Slot {
	queued := r.Fit(wait)
	if r.Times(queued) != wait {
		queued++
	}
	if accepted {
		return Slot{Accepted: true, Delay: microseconds(wait), Queued: queued}
	}
	return Slot{
		Delay:      microseconds(wait),
		Queued:     max(queued-1, 0), // the one that would wait until then is not there
		RetryAfter: microseconds(r.Minus(wait, r.longest)),
	}
}

// microseconds returns a span as whole microseconds, rounded up.
func microseconds(s emission.Span) time.Duration {
	return time.Duration(s.RoundUp()) * time.Microsecond
}

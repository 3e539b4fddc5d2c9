package leakybucket

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// queueName is the queue's name in keys: a queue and a meter of the same KEY don't meet.
const queueName = "leakybucket-queue"

// ErrQueueFull is wrapped by Wait's error when limit.Burst requests wait already.
var ErrQueueFull = errors.New("weir: queue full")

// A Slot is a queue's answer to one request. Durations are whole microseconds.
type Slot struct {
	// Accepted says whether the request has a place. A refused request has taken none.
	Accepted bool

	// Delay is how long an accepted request waits for its departure, rounded up where that isn't
	// a whole microsecond: departures are exactly Period/Rate apart and don't drift.
	Delay time.Duration

	// Queued is how many requests wait, this one included if it was accepted and has to.
	Queued int64

	// RetryAfter is 0 when accepted; else the exact wait after which there is a place, if nobody
	// else takes it.
	RetryAfter time.Duration
}

// A Queue is the leaky bucket as a queue, or shaper: it lets requests out at a constant rate, and
// makes them wait instead of refusing them, as long as no more than limit.Burst wait. It keeps its
// state on a Redis or Valkey server, and is safe for concurrent use, in any number of processes.
type Queue struct {
	caller remote.Caller
	rule   queueRule
	limit  algorithms.Limit
}

// NewQueue returns a queue that keeps its state on run's server. Departures are limit.Period /
// limit.Rate apart; at most limit.Burst requests (Rate where Burst is 0) wait, besides the one that
// leaves at once.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. It sends nothing.
func NewQueue(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (*Queue, error) {
	settings, err := algorithms.NewSettings(queueName, opts...)
	if err != nil {
		return nil, err
	}
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	caller, err := remote.NewCaller(run, settings)
	if err != nil {
		return nil, err
	}
	return &Queue{caller, rule, limit}, nil
}

// With returns a queue of the same keys under another limit. Who waits keeps their departure; the
// next free one stays where it was, but no further away than a full queue of the new limit reaches.
func (q *Queue) With(limit algorithms.Limit) (*Queue, error) {
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &Queue{q.caller, rule, limit}, nil
}

// Limit returns the limit that the queue was made with.
func (q *Queue) Limit() algorithms.Limit { return q.limit }

// Schedule takes a place in key's queue, if there is one, and tells when it leaves; the waiting is
// the caller's. A place taken is kept whether or not the caller makes use of it.
func (q *Queue) Schedule(ctx context.Context, key string) (Slot, error) {
	return q.schedule(ctx, key, "")
}

// Wait takes a place in key's queue and returns nil when it is this caller's turn. It returns an
// error that wraps [ErrQueueFull] at once if there is no place, and one that wraps
// context.DeadlineExceeded at once, having taken none, if ctx would end before the turn came. If ctx
// is canceled during the wait it returns ctx's error, and the place stays taken.
func (q *Queue) Wait(ctx context.Context, key string) error {
	return wait(ctx, func(patience time.Duration) (Slot, error) {
		us := ""
		if patience > 0 {
			us = strconv.FormatInt(patience.Microseconds(), 10)
		}
		return q.schedule(ctx, key, us)
	})
}

// Reset forgets the key: the next request leaves at once. Who waits already is not told.
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
	interval emission.Span
	longest  emission.Span // the longest wait, Burst·T
}

func newQueueRule(limit algorithms.Limit) (queueRule, error) {
	if err := limit.Validate(); err != nil {
		return queueRule{}, err
	}
	t := emission.Of(limit)
	return queueRule{t, t.Times(1), t.Times(limit.BurstOrRate())}, nil
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
		return Slot{Accepted: true, Delay: wait.RoundUp(), Queued: queued}
	}
	return Slot{
		Delay:      wait.RoundUp(),
		Queued:     max(queued-1, 0), // the one that would wait until then is not there
		RetryAfter: r.Minus(wait, r.longest).RoundUp(),
	}
}

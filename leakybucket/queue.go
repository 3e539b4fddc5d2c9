package leakybucket

import (
	"context"
	"errors"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// ErrQueueFull is wrapped by the error of Wait and WaitN if the most requests that may wait are waiting already.
var ErrQueueFull = errors.New("weir: queue full")

// A Slot is a queue's answer to one request. Durations are whole microseconds.
type Slot struct {
	// Accepted tells whether the request has a place in the queue. A refused request has taken none.
	Accepted bool

	// Delay is how long an accepted request waits for its departure, rounded up to a whole
	// microsecond. Departures are exactly Period/Rate apart and don't drift. For a request for n places
	// it is the wait for the last departure.
	Delay time.Duration

	// Queued is how many requests wait. It includes this request if that was accepted and has to wait. A request for n
	// places counts as n.
	Queued int64

	// RetryAfter is 0 if the request was accepted. Otherwise it is the exact wait after which there is a
	// place, or n of them, if no other request takes it.
	RetryAfter time.Duration
}

// A Queue is the leaky bucket as a queue, or shaper: it lets requests out at a constant rate, and
// makes up to limit.Burst of them wait before it refuses any. It keeps its state on a Redis or Valkey
// server, and is safe for concurrent use, in any number of processes.
type Queue struct {
	caller remote.Caller
	rule   queueRule
	limit  algorithms.Limit
	turns  *turns
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
	return &Queue{caller, rule, limit, newTurns()}, nil
}

// With returns a queue with another limit and the same options. A key has a separate queue for each limit. The error wraps
// algorithms.ErrInvalidLimit.
func (q *Queue) With(limit algorithms.Limit) (*Queue, error) {
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &Queue{q.caller.For(rule.identity), rule, limit, q.turns}, nil
}

// Limit returns the limit that the queue was made with.
func (q *Queue) Limit() algorithms.Limit { return q.limit }

// Schedule takes a place in the key's queue, if there is one, and tells when it departs. The caller
// waits by itself. The place stays taken even if the caller doesn't use it.
func (q *Queue) Schedule(ctx context.Context, key string) (Slot, error) {
	return q.ScheduleN(ctx, key, 1)
}

// ScheduleN takes n successive places, or none. The slot's Delay is that of the last departure; the first departs
// (n-1)·Period/Rate sooner. Its errors wrap algorithms.ErrInvalidCost if n is below 1, and algorithms.ErrCostExceedsLimit if n
// is above Burst+1, the places of an empty queue.
func (q *Queue) ScheduleN(ctx context.Context, key string, n int64) (Slot, error) {
	p, err := q.take(ctx, key, n, anyTime, false)
	return p.slot, err
}

// Wait takes a place in the key's queue and returns nil when it is this caller's turn. If there is no
// place, it returns an error that wraps [ErrQueueFull] at once. If the turn would not come before ctx's deadline, it
// returns an error that wraps context.DeadlineExceeded at once. If ctx is canceled during the wait, it returns an error
// that wraps ctx's.
//
// A caller that does not get its turn keeps no place: none was taken, or Wait gives it back. To give it back, Wait may call the
// server for up to a quarter of a second after the end of ctx, and returns later by that time. A place stays taken only if a
// later one was taken since, or if the server gave no answer.
//
// Wait never returns before the departure by the server's clock. It returns after it by the time that the server's answer took.
// Late answers must not make requests leave together. So the calls of Wait on one key, by one Queue and those that its With
// returned, return at least Period/Rate apart, and a late one delays those behind it. Calls in different processes don't know
// of each other.
func (q *Queue) Wait(ctx context.Context, key string) error { return q.WaitN(ctx, key, 1) }

// WaitN takes n successive places and returns nil at the turn of the last, when n events may leave. Otherwise it is like Wait.
// Its errors for n are those of ScheduleN.
func (q *Queue) WaitN(ctx context.Context, key string, n int64) error {
	return wait(ctx, q, q.turns, key, n)
}

// Reset forgets the key under this limit: the next request leaves at once. Requests that already wait keep their departures.
func (q *Queue) Reset(ctx context.Context, key string) error {
	err := q.caller.Reset(ctx, key)
	if err == nil {
		q.turns.forget(q.caller.Key(key))
	}
	return err
}

func (q *Queue) name(key string) (string, queueRule) { return q.caller.Key(key), q.rule }

func (q *Queue) take(ctx context.Context, key string, n int64, patience time.Duration, told bool) (place, error) {
	if err := q.rule.check(n); err != nil {
		return place{}, err
	}
	now, err := q.caller.Now()
	if err != nil {
		return place{}, err
	}
	reply, err := q.caller.Call(ctx, scripts.Queue, key, q.rule.args(n, q.rule.first(n, patience), now, told))
	if err != nil {
		return place{}, err
	}
	return q.rule.read(n, reply, told)
}

func (q *Queue) giveBack(ctx context.Context, key string, p place) error {
	_, err := q.caller.Call(ctx, scripts.QueueCancel, key, []string{stored(p.taken), stored(p.before)})
	return err
}

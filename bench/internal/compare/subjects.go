package compare

import (
	"context"
	"errors"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// An Outcome is what a subject made of one request. Durations are whole microseconds.
type Outcome struct {
	Allowed    bool          // admitted, or taken into the queue
	OverLimit  bool          // it costs more than the limit can ever admit; it was not decided on
	Delay      time.Duration // how long an allowed request waits in the queue
	RetryAfter time.Duration // how long a denied one was told to wait
	Remaining  int64         // how many more events would be allowed now
}

// A subject is one of the things that are compared.
type subject interface {
	decide(ctx context.Context, key string, cost int64) (Outcome, error)
	reset(ctx context.Context, key string) error
}

// A kind of subject. Its make returns one that keeps its state behind run, or in this process where
// run is nil.
type kind struct {
	name    string
	make    func(run scripts.Runner, limit algorithms.Limit, opts []algorithms.Option) (subject, error)
	aligned algorithms.Option // what -aligned means to it
	costs   bool              // it counts a request as its cost, not as one
}

// kinds are all that can be compared, in the order in which they are shown.
var kinds = []kind{
	{name: "fixedwindow", make: limiterOf(fixedwindow.New, fixedwindow.NewLocal), aligned: fixedwindow.Aligned(), costs: true},
	{name: "slidinglog", make: limiterOf(slidinglog.New, slidinglog.NewLocal), costs: true},
	{name: "gcra", make: limiterOf(gcra.New, gcra.NewLocal), costs: true},
	{name: "leakybucket", make: limiterOf(leakybucket.New, leakybucket.NewLocal), costs: true},
	{name: "queue", make: newQueue},
}

// limiterOf returns the make of an algorithm that has a New and a NewLocal.
func limiterOf[R, L algorithms.Limiter](
	remote func(scripts.Runner, algorithms.Limit, ...algorithms.Option) (R, error),
	local func(algorithms.Limit, ...algorithms.Option) (L, error),
) func(scripts.Runner, algorithms.Limit, []algorithms.Option) (subject, error) {
	return func(run scripts.Runner, limit algorithms.Limit, opts []algorithms.Option) (subject, error) {
		if run == nil {
			l, err := local(limit, opts...)
			return limiter{l}, err
		}
		l, err := remote(run, limit, opts...)
		return limiter{l}, err
	}
}

// limiter is a Limiter as a subject.
type limiter struct{ algorithms.Limiter }

func (l limiter) decide(ctx context.Context, key string, cost int64) (Outcome, error) {
	result, err := l.AllowN(ctx, key, cost)
	if errors.Is(err, algorithms.ErrCostExceedsLimit) {
		return Outcome{OverLimit: true}, nil
	}
	return Outcome{Allowed: result.Allowed, RetryAfter: result.RetryAfter, Remaining: result.Remaining}, err
}

func (l limiter) reset(ctx context.Context, key string) error { return l.Reset(ctx, key) }

// scheduler is what Queue and LocalQueue have in common.
type scheduler interface {
	Schedule(ctx context.Context, key string) (leakybucket.Slot, error)
	Reset(ctx context.Context, key string) error
}

// queue is a leaky bucket's queue as a subject. Requests are let out one at a time, whatever they
// cost.
type queue struct {
	scheduler
	places int64
}

func newQueue(run scripts.Runner, limit algorithms.Limit, opts []algorithms.Option) (subject, error) {
	places := limit.BurstOrRate()
	if run == nil {
		q, err := leakybucket.NewLocalQueue(limit, opts...)
		return queue{q, places}, err
	}
	q, err := leakybucket.NewQueue(run, limit, opts...)
	return queue{q, places}, err
}

func (q queue) decide(ctx context.Context, key string, _ int64) (Outcome, error) {
	slot, err := q.Schedule(ctx, key)
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Allowed: slot.Accepted, RetryAfter: slot.RetryAfter, Remaining: q.places - slot.Queued}
	if slot.Accepted {
		outcome.Delay = slot.Delay
	}
	return outcome, nil
}

func (q queue) reset(ctx context.Context, key string) error { return q.Reset(ctx, key) }

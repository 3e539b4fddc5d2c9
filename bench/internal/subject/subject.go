// Package subject names everything that decides in Weir, so that what loads, checks or measures does so
// to all of it in the same way: the limiters of the four algorithms, and the leaky bucket's queue.
package subject

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// An Op is what is asked of a subject.
type Op uint8

// The things that can be asked. A queue has no Peek.
const (
	Allow Op = iota
	Peek
	Reset
)

// An Answer is a limiter's Result or a queue's Slot; of a Reset it is neither.
type Answer struct {
	Result algorithms.Result
	Slot   leakybucket.Slot
}

// Allowed says whether the request was admitted or taken into the queue.
func (a Answer) Allowed() bool { return a.Result.Allowed || a.Slot.Accepted }

// A Subject is one limiter or queue.
type Subject interface {
	// Ask asks for cost events; a queue takes any cost as 1, Peek and Reset have none.
	Ask(ctx context.Context, key string, op Op, cost int64) (Answer, error)
}

// A Kind of subject.
type Kind struct {
	Name  string // unlike any other kind's
	InKey string // the algorithm's part of the keys on the server
	Costs bool   // it counts a request as its cost, and can be peeked at; a queue does neither
	Rated bool   // it admits Rate at once, whatever the Burst

	New      func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error)
	NewLocal func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error)
}

// Capacity is the largest cost of a request under limit.
func (k Kind) Capacity(limit algorithms.Limit) int64 {
	switch {
	case !k.Costs:
		return 1
	case k.Rated:
		return limit.Rate
	}
	return limit.BurstOrRate()
}

// All are all kinds.
var All = []Kind{
	limiterKind("fixedwindow", true, fixedwindow.New, fixedwindow.NewLocal),
	aligned(limiterKind("fixedwindow", true, fixedwindow.New, fixedwindow.NewLocal)),
	limiterKind("slidinglog", true, slidinglog.New, slidinglog.NewLocal),
	limiterKind("gcra", false, gcra.New, gcra.NewLocal),
	limiterKind("leakybucket", false, leakybucket.New, leakybucket.NewLocal),
	{
		Name: "queue", InKey: "leakybucket-queue",
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			q, err := leakybucket.NewQueue(run, limit, opts...)
			return queue{q}, err
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			q, err := leakybucket.NewLocalQueue(limit, opts...)
			return queue{q}, err
		},
	},
}

// Named returns the kind of that name.
func Named(name string) (Kind, error) {
	i := slices.IndexFunc(All, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, fmt.Errorf("subject: no kind %q", name)
	}
	return All[i], nil
}

func limiterKind[R, L algorithms.Limiter](
	name string, rated bool,
	remote func(scripts.Runner, algorithms.Limit, ...algorithms.Option) (R, error),
	local func(algorithms.Limit, ...algorithms.Option) (L, error),
) Kind {
	return Kind{
		Name: name, InKey: name, Costs: true, Rated: rated,
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			l, err := remote(run, limit, opts...)
			return Limiter{l}, err
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			l, err := local(limit, opts...)
			return Limiter{l}, err
		},
	}
}

// aligned returns the fixed window k with windows at whole periods, under a name of its own so that the
// two don't meet in a key.
func aligned(k Kind) Kind {
	const name = "aligned"
	own := []algorithms.Option{fixedwindow.Aligned(), algorithms.WithName(name)}
	return Kind{
		Name: k.Name + "-" + name, InKey: k.InKey + ":" + name, Costs: k.Costs, Rated: k.Rated,
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			return k.New(run, limit, append(own, opts...)...)
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			return k.NewLocal(limit, append(own, opts...)...)
		},
	}
}

// A Limiter is any limiter as a subject.
type Limiter struct{ algorithms.Limiter }

// Ask implements Subject.
func (l Limiter) Ask(ctx context.Context, key string, op Op, cost int64) (answer Answer, err error) {
	switch op {
	case Peek:
		answer.Result, err = l.Peek(ctx, key)
	case Reset:
		err = l.Reset(ctx, key)
	default:
		answer.Result, err = l.AllowN(ctx, key, cost)
	}
	return answer, err
}

// queue is a Queue or a LocalQueue as a subject.
type queue struct {
	scheduler interface {
		Schedule(ctx context.Context, key string) (leakybucket.Slot, error)
		Reset(ctx context.Context, key string) error
	}
}

func (q queue) Ask(ctx context.Context, key string, op Op, _ int64) (answer Answer, err error) {
	switch op {
	case Peek:
		return answer, errors.New("subject: a queue has no Peek")
	case Reset:
		return answer, q.scheduler.Reset(ctx, key)
	}
	answer.Slot, err = q.scheduler.Schedule(ctx, key)
	return answer, err
}

// Package subject lists everything that decides in Weir: the limiters of the four algorithms, the queue of leakybucket, and
// some combinations of limiters. Tests and measurements use the list to treat all of them in the same way.
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

// An Op is an operation of a subject.
type Op uint8

// The operations. A queue has only Allow and Reset. Settle settles the charge of an earlier Reserve. Callers settle with the
// algorithms.Reservation, not with the Subject.
const (
	Allow Op = iota
	Peek
	Reset
	Reserve
	Settle
	AtMost // AllowAtMost, which only the limiters of the four algorithms have
	Wait   // algorithms.Wait; only Result.Allowed is set, and a wait that is too long isn't an error
)

// Charges reports whether the operation charges a request that is admitted. It leaves out Wait, which package verify does
// not check.
func (o Op) Charges() bool { return o == Allow || o == Reserve || o == AtMost }

// An Answer is a limiter's Result or a queue's Slot. For a Reset it is empty.
type Answer struct {
	Result   algorithms.Result
	Slot     leakybucket.Slot
	Admitted int64 // the number of events that an AtMost admitted
}

// Allowed reports whether the request was admitted or taken into the queue.
func (a Answer) Allowed() bool { return a.Result.Allowed || a.Slot.Accepted }

// A Subject is one limiter or queue.
type Subject interface {
	// Ask requests cost events, or asks whether they would be admitted. A queue takes any cost as 1. The cost of a Reset is
	// 0.
	Ask(ctx context.Context, key string, op Op, cost int64) (Answer, error)
}

// A Kind is a kind of subject.
type Kind struct {
	Name  string // different from the names of all other kinds
	Costs bool   // whether requests have costs and Peek works; a queue has neither
	Rated bool   // whether it admits Rate at once and ignores the limit's Burst

	Parts func(limit algorithms.Limit) []Part // the limits of a kind in Several; nil for all other kinds

	New      func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error)
	NewLocal func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error)
}

// Capacity returns the largest cost of a request under limit.
func (k Kind) Capacity(limit algorithms.Limit) int64 {
	switch {
	case !k.Costs:
		return 1
	case k.Rated:
		return limit.Rate
	}
	return limit.BurstOrRate()
}

// Key returns the key on the server in which a subject of this kind with that limit and prefix keeps the state of a KEY. For
// several limits, it is the key of the first one.
func (k Kind) Key(limit algorithms.Limit, prefix, key string) (string, error) {
	var seen seenKey
	s, err := k.New(&seen, limit, algorithms.WithPrefix(prefix))
	if err != nil {
		return "", err
	}
	_, err = s.Ask(context.Background(), key, Reset, 0)
	return string(seen), err
}

// seenKey is a runner that stores the key of a call.
type seenKey string

func (s *seenKey) Run(_ context.Context, _ *scripts.Script, keys, _ []string) ([]int64, error) {
	*s = seenKey(keys[0])
	return []int64{0}, nil
}

func (*seenKey) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

// All are all kinds of one limit.
var All = []Kind{
	limiterKind("fixedwindow", true, fixedwindow.New, fixedwindow.NewLocal),
	limiterKind("fixedwindow-aligned", true, fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()),
	limiterKind("slidinglog", true, slidinglog.New, slidinglog.NewLocal),
	limiterKind("gcra", false, gcra.New, gcra.NewLocal),
	limiterKind("leakybucket", false, leakybucket.New, leakybucket.NewLocal),
	{
		Name: "queue",
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			q, err := leakybucket.NewQueue(run, limit, opts...)
			return queue{q}, err
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			q, err := leakybucket.NewLocalQueue(limit, as[algorithms.LocalOption](opts)...)
			return queue{q}, err
		},
	},
}

// Named returns the kind of that name.
func Named(name string) (Kind, error) {
	all := slices.Concat(All, Several)
	i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, fmt.Errorf("subject: no kind %q", name)
	}
	return all[i], nil
}

// limiterKind returns the kind with these constructors, whose options have the types R and L. All its limiters have the
// options own.
func limiterKind[R, L any](
	name string, rated bool,
	remote func(scripts.Runner, algorithms.Limit, ...R) (*algorithms.Remote, error),
	local func(algorithms.Limit, ...L) (*algorithms.Local, error),
	own ...R,
) Kind {
	fitting := func(limit algorithms.Limit) algorithms.Limit {
		if rated {
			limit.Burst = 0
		}
		return limit
	}
	return Kind{
		Name: name, Costs: true, Rated: rated,
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			l, err := remote(run, fitting(limit), append(as[R](opts), own...)...)
			return Limiter{Limiter: l}, err
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			l, err := local(fitting(limit), append(as[L](opts), as[L](own)...)...)
			return Limiter{Limiter: l}, err
		},
	}
}

// as converts options to another interface type, which they must implement.
func as[To, From any](opts []From) []To {
	converted := make([]To, len(opts))
	for i, opt := range opts {
		converted[i] = any(opt).(To)
	}
	return converted
}

// A Limiter is any limiter as a subject.
type Limiter struct {
	algorithms.Limiter
	First algorithms.Limiter // the first of several limits of one key; nil for a single limit
}

// With returns a subject with another limit that shares the state of the limiter, which must be a Local.
func (l Limiter) With(limit algorithms.Limit) (Subject, error) {
	local, ok := l.Limiter.(*algorithms.Local)
	if !ok {
		return nil, fmt.Errorf("subject: a %T has no With", l.Limiter)
	}
	changed, err := local.With(limit)
	return Limiter{Limiter: changed}, err
}

// Ask implements Subject.
func (l Limiter) Ask(ctx context.Context, key string, op Op, cost int64) (answer Answer, err error) {
	switch op {
	case Peek:
		answer.Result, err = l.PeekN(ctx, key, cost)
	case Reset:
		err = l.Reset(ctx, key)
	case AtMost:
		most, ok := l.Limiter.(interface {
			AllowAtMost(ctx context.Context, key string, n int64) (int64, algorithms.Result, error)
		})
		if !ok {
			return answer, fmt.Errorf("subject: a %T has no AllowAtMost", l.Limiter)
		}
		answer.Admitted, answer.Result, err = most.AllowAtMost(ctx, key, cost)
	case Wait:
		err = algorithms.Wait(ctx, l.Limiter, key, cost)
		answer.Result.Allowed = err == nil
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = nil
		}
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

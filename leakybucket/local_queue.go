package leakybucket

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/option"
)

// A LocalQueue is the leaky bucket as a queue inside this process, with the same answers as a
// [Queue] on one server. It is safe for concurrent use. It forgets keys whose queue is empty, and holds
// at most as many keys as an algorithms.Local does: algorithms.MaxKeys sets how many.
type LocalQueue struct {
	store *local.Store[emission.State] // a key's state is its next free departure
	now   func() (int64, error)
	rule  queueRule
	limit algorithms.Limit
	turns *turns
}

// NewLocalQueue returns a queue that keeps its state in this process.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocalQueue(limit algorithms.Limit, opts ...algorithms.LocalOption) (*LocalQueue, error) {
	settings, err := option.Apply(opts)
	if err != nil {
		return nil, err
	}
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	store := local.NewStore[emission.State](settings.MaxKeys, settings.Simulated())
	return &LocalQueue{store, settings.Now, rule, limit, newTurns()}, nil
}

// With returns a queue with another limit: see [Queue.With].
func (q *LocalQueue) With(limit algorithms.Limit) (*LocalQueue, error) {
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &LocalQueue{q.store, q.now, rule, limit, q.turns}, nil
}

// Limit returns the limit that the queue was made with.
func (q *LocalQueue) Limit() algorithms.Limit { return q.limit }

// Schedule takes a place in the key's queue: see [Queue.Schedule].
func (q *LocalQueue) Schedule(ctx context.Context, key string) (Slot, error) {
	return q.ScheduleN(ctx, key, 1)
}

// ScheduleN takes n successive places: see [Queue.ScheduleN].
func (q *LocalQueue) ScheduleN(ctx context.Context, key string, n int64) (Slot, error) {
	p, err := q.take(ctx, key, n, anyTime, false)
	return p.slot, err
}

// Wait takes a place in the key's queue and returns when it is this caller's turn: see [Queue.Wait].
func (q *LocalQueue) Wait(ctx context.Context, key string) error { return q.WaitN(ctx, key, 1) }

// WaitN takes n successive places and returns at the turn of the last: see [Queue.WaitN].
func (q *LocalQueue) WaitN(ctx context.Context, key string, n int64) error {
	return wait(ctx, q, q.turns, key, n)
}

// Reset forgets the key under this limit: the next request leaves at once. Requests that already wait keep their departures.
func (q *LocalQueue) Reset(ctx context.Context, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	q.store.Forget(q.rule.identity, key)
	name, _ := q.name(key)
	q.turns.forget(name)
	return nil
}

func (q *LocalQueue) name(key string) (string, queueRule) { return q.rule.identity + " " + key, q.rule }

func (q *LocalQueue) take(ctx context.Context, key string, n int64, patience time.Duration, _ bool) (p place, err error) {
	if err := q.rule.check(n); err != nil {
		return place{}, err
	}
	if err := ended(ctx); err != nil {
		return place{}, err
	}
	err = q.store.Do(q.rule.identity, key, q.now, func(free *emission.State, now int64) (change local.Change) {
		p, change.Until = q.rule.decide(free, now, n, q.rule.first(n, patience))
		change.Used, change.Denied = float32(p.slot.Queued)/float32(q.rule.burst), !p.slot.Accepted
		return change
	})
	return p, err
}

func (q *LocalQueue) giveBack(_ context.Context, key string, p place) error {
	return q.store.Do(q.rule.identity, key, q.now, func(free *emission.State, now int64) (change local.Change) {
		if *free != p.taken {
			return change
		}
		*free, change.Until = p.before, p.before.At+1
		change.Used = float32(q.rule.waiting(q.rule.Until(free.At, free.Part, now))) / float32(q.rule.burst)
		return change
	})
}

// ended returns an error if the context has ended.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: no place was taken: %w", err)
	}
	return nil
}

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
	return &LocalQueue{store, settings.Now, rule, limit}, nil
}

// With returns a queue under another limit, as Queue.With does.
func (q *LocalQueue) With(limit algorithms.Limit) (*LocalQueue, error) {
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &LocalQueue{q.store, q.now, rule, limit}, nil
}

// Limit returns the limit that the queue was made with.
func (q *LocalQueue) Limit() algorithms.Limit { return q.limit }

// Schedule takes a place in the key's queue, as Queue.Schedule does.
func (q *LocalQueue) Schedule(ctx context.Context, key string) (Slot, error) {
	return q.schedule(ctx, key, 0)
}

// Wait takes a place in the key's queue and returns when it is this caller's turn, as Queue.Wait does.
func (q *LocalQueue) Wait(ctx context.Context, key string) error {
	return wait(ctx, func(patience time.Duration) (Slot, error) { return q.schedule(ctx, key, patience) })
}

// Reset forgets the key under this limit: the next request leaves at once. Requests that wait already
// are not told.
func (q *LocalQueue) Reset(ctx context.Context, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	q.store.Forget(q.rule.identity, key)
	return nil
}

func (q *LocalQueue) schedule(ctx context.Context, key string, patience time.Duration) (slot Slot, err error) {
	if err := ended(ctx); err != nil {
		return Slot{}, err
	}
	err = q.store.Do(q.rule.identity, key, q.now, func(free *emission.State, now int64) (change local.Change) {
		slot, change.Until = q.rule.decide(free, now, patience.Microseconds())
		change.Used, change.Denied = float32(slot.Queued)/float32(q.rule.burst), !slot.Accepted
		return change
	})
	return slot, err
}

// ended returns an error if the context has ended.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: no place was taken: %w", err)
	}
	return nil
}

// decide takes a place if there is one sooner than patience, in µs; 0 is any time.
func (r queueRule) decide(s *emission.State, now, patience int64) (slot Slot, until int64) {
	wait := r.Until(s.At, s.Part, now)
	full := r.Plus(r.longest, r.interval)
	clamped := !wait.AtMost(full)
	if clamped {
		wait = full
	}
	accepted := wait.AtMost(r.longest) && (patience == 0 || wait.Us < patience)
	free := wait
	if accepted {
		free = r.Plus(wait, r.interval)
	}
	if accepted || clamped {
		*s = emission.State{At: now + free.Us, Part: free.Part}
		until = s.At + 1
	}
	return r.slot(accepted, wait), until
}

package leakybucket

import (
	"context"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
)

// A LocalQueue is the leaky bucket as a queue inside this process, with the same answers as a
// [Queue] on one server. It is safe for concurrent use, and forgets keys whose queue is empty.
type LocalQueue struct {
	store    *local.Store[departure]
	settings algorithms.Settings
	rule     queueRule
	limit    algorithms.Limit
}

// departure is a key's next free departure time: at + part/den microseconds since the Unix epoch.
type departure struct{ at, part, den int64 }

// NewLocalQueue returns a queue that keeps its state in this process. WithPrefix and WithName have
// no effect: each LocalQueue counts for itself.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocalQueue(limit algorithms.Limit, opts ...algorithms.Option) (*LocalQueue, error) {
	settings, err := algorithms.NewSettings(queueName, opts...)
	if err != nil {
		return nil, err
	}
	simulated := settings.Clock != nil
	if !simulated {
		settings.Clock = time.Now
	}
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &LocalQueue{local.NewStore[departure](simulated), settings, rule, limit}, nil
}

// With returns a queue of the same keys under another limit, as Queue.With does.
func (q *LocalQueue) With(limit algorithms.Limit) (*LocalQueue, error) {
	rule, err := newQueueRule(limit)
	if err != nil {
		return nil, err
	}
	return &LocalQueue{q.store, q.settings, rule, limit}, nil
}

// Limit returns the limit that the queue was made with.
func (q *LocalQueue) Limit() algorithms.Limit { return q.limit }

// Schedule takes a place in key's queue, as Queue.Schedule does.
func (q *LocalQueue) Schedule(ctx context.Context, key string) (Slot, error) {
	return q.schedule(ctx, key, 0)
}

// Wait takes a place in key's queue and returns when it is this caller's turn, as Queue.Wait does.
func (q *LocalQueue) Wait(ctx context.Context, key string) error {
	return wait(ctx, func(patience time.Duration) (Slot, error) { return q.schedule(ctx, key, patience) })
}

// Reset forgets the key: the next request leaves at once. Who waits already is not told.
func (q *LocalQueue) Reset(ctx context.Context, key string) error {
	if err := local.Ended(ctx); err != nil {
		return err
	}
	q.store.Forget(key)
	return nil
}

func (q *LocalQueue) schedule(ctx context.Context, key string, patience time.Duration) (slot Slot, err error) {
	if err := local.Ended(ctx); err != nil {
		return Slot{}, err
	}
	err = q.store.Do(key, q.settings.Now, func(d *departure, now int64) (until int64) {
		slot, until = q.rule.decide(d, now, patience.Microseconds())
		return until
	})
	return slot, err
}

// decide takes a place if there is one sooner than patience, in µs; 0 is any time.
func (r queueRule) decide(d *departure, now, patience int64) (slot Slot, until int64) {
	wait := r.Until(d.at, d.part, d.den, now)
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
		*d = departure{now + free.Us, free.Part, r.Den()}
		until = d.at + 1
	}
	return r.slot(accepted, wait), until
}

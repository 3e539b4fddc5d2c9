package inflight

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/option"
)

// A Local is a [Limiter] that keeps its leases in this process and gives the same answers as a [Remote] on one server. Use it
// for a single process, for tests, and while the server of a Remote is away. It is safe for concurrent use and starts no
// goroutine.
//
// It forgets keys whose leases have ended, and holds as many keys as an algorithms.Local does: algorithms.MaxKeys sets how
// many. If there is no room for a new key, another key is dropped together with its leases: preferably a key that has few
// leases and has refused none. A lease takes some 150 bytes, and a key has 2^20 leases at most, besides 64 that have ended.
type Local struct {
	store *local.Store[leases]
	now   func() (int64, error)
	rule
}

var _ Limiter = (*Local)(nil)

// NewLocal returns a limiter that keeps its leases in this process and gives the same answers as one of New.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocal(most int64, ttl time.Duration, opts ...algorithms.LocalOption) (*Local, error) {
	settings, err := option.Apply(opts)
	if err != nil {
		return nil, err
	}
	r, err := newRule(most, ttl)
	if err != nil {
		return nil, err
	}
	return &Local{local.NewStore[leases](settings.MaxKeys, settings.Simulated()), settings.Now, r}, nil
}

// With returns a Local with the same store and another number of leases or another time to live: see [Remote.With]. The error
// wraps algorithms.ErrInvalidLimit.
func (l *Local) With(most int64, ttl time.Duration) (*Local, error) {
	r, err := newRule(most, ttl)
	if err != nil {
		return nil, err
	}
	return &Local{l.store, l.now, r}, nil
}

// Most returns how many leases of a key may be held.
func (l *Local) Most() int64 { return l.most }

// TTL returns how long a lease lasts if it is not renewed.
func (l *Local) TTL() time.Duration { return l.ttl }

// Local returns l.
func (l *Local) Local() (Limiter, error) { return l, nil }

// Acquire takes a lease, if one is free: see [Limiter].
func (l *Local) Acquire(ctx context.Context, key, id string) (result algorithms.Result, err error) {
	if err := checkID(id); err != nil {
		return algorithms.Result{}, err
	}
	if err := ended(ctx); err != nil {
		return algorithms.Result{}, err
	}
	err = l.store.Do(identity, key, l.now, func(state *leases, now int64) local.Change {
		s, changed := state.acquire(now, id, l.most, l.ttl.Microseconds())
		result = l.result(s)
		change := l.change(state, now, changed)
		change.Denied = !s.allowed
		return change
	})
	return result, err
}

// Renew makes a lease that is held last for TTL from now: see [Limiter].
func (l *Local) Renew(ctx context.Context, key, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	if err := ended(ctx); err != nil {
		return err
	}
	held := false
	err := l.store.Do(identity, key, l.now, func(state *leases, now int64) local.Change {
		held = state.renew(now, id, l.ttl.Microseconds())
		return l.change(state, now, held)
	})
	if err == nil && !held {
		err = notHeld(id)
	}
	return err
}

// Release gives a lease back: see [Limiter].
func (l *Local) Release(_ context.Context, key, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	return l.store.Do(identity, key, l.now, func(state *leases, now int64) local.Change {
		return l.change(state, now, state.remove(id))
	})
}

// Peek tells whether a lease is free: see [Limiter].
func (l *Local) Peek(ctx context.Context, key string) (result algorithms.Result, err error) {
	if err := ended(ctx); err != nil {
		return algorithms.Result{}, err
	}
	err = l.store.Do(identity, key, l.now, func(state *leases, now int64) local.Change {
		result = l.result(state.peek(now, l.most))
		return local.Change{}
	})
	return result, err
}

// Reset ends all leases of the key: see [Limiter].
func (l *Local) Reset(ctx context.Context, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	l.store.Forget(identity, key)
	return nil
}

// change tells the store how long the key is needed, and how much of its limit is used.
func (l *Local) change(state *leases, now int64, changed bool) (change local.Change) {
	if changed {
		change.Until = max(now+state.last(now), 1)
		change.Used = float32(state.held(now)) / float32(l.most)
	}
	return change
}

// ended returns an error if the context has ended.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: no lease was changed: %w", err)
	}
	return nil
}

package algorithms

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/rule"
)

// A Local is a [Limiter] that keeps its state in this process and makes the same decisions as a [Remote] on one server. The
// NewLocal of each algorithm returns one. Use it for a single process, for tests, and while the server of a Remote is away.
// It is safe for concurrent use.
//
// A Local forgets keys that are as good as new: [Result] says when that is. It holds at most 1,048,576 keys, or as many as
// [MaxKeys] sets. A key counts once for each limit under which it has a separate state. If there is no room for a new key, the
// Local looks at a few others and drops one of them, which then has its whole limit again:
//
//   - the first that is as good as new;
//   - or else, of those whose last request was admitted, the one that has used the least of its limit;
//   - or else, if the last request of every one of them was denied, one of these.
type Local struct {
	algorithm *rule.Algorithm
	settings  option.Settings
	store     rule.Store
	now       func() (int64, error) // settings.Now
	limit     Limit
	rule      rule.Rule
}

var _ Limiter = (*Local)(nil)

// NewLocal makes the Local of an algorithm. Only the packages of the algorithms call it: use their NewLocal.
func NewLocal[O option.LocalWindow](algorithm *rule.Algorithm, limit Limit, opts []O) (*Local, error) {
	settings, err := option.Apply(opts)
	if err != nil {
		return nil, err
	}
	return newLocal(algorithm, limit, settings)
}

func newLocal(algorithm *rule.Algorithm, limit Limit, settings option.Settings) (*Local, error) {
	r, err := ruleOf(algorithm, limit, settings)
	if err != nil {
		return nil, err
	}
	store := algorithm.NewStore(settings.MaxKeys, settings.Simulated())
	return &Local{algorithm, settings, store, settings.Now, limit, r}, nil
}

// With returns a Local with another limit and the same store and options. Keys in use are affected as by [Remote.With]. The
// error wraps [ErrInvalidLimit].
func (l *Local) With(limit Limit) (*Local, error) {
	r, err := ruleOf(l.algorithm, limit, l.settings)
	if err != nil {
		return nil, err
	}
	return &Local{l.algorithm, l.settings, l.store, l.now, limit, r}, nil
}

// Limit returns the limit that the limiter was made with.
func (l *Local) Limit() Limit { return l.limit }

// Local returns l.
func (l *Local) Local() (Limiter, error) { return l, nil }

// Allow asks for one event.
func (l *Local) Allow(ctx context.Context, key string) (Result, error) { return l.AllowN(ctx, key, 1) }

// AllowN asks for n events at once, all or nothing.
func (l *Local) AllowN(ctx context.Context, key string, n int64) (Result, error) {
	return l.ask(ctx, key, n, true)
}

// Peek tells whether one event would be admitted now, and how much of the key's limit is left. It changes nothing.
func (l *Local) Peek(ctx context.Context, key string) (Result, error) { return l.PeekN(ctx, key, 1) }

// PeekN tells whether n events would be admitted now, and how much of the key's limit is left. It changes nothing.
func (l *Local) PeekN(ctx context.Context, key string, n int64) (Result, error) {
	return l.ask(ctx, key, n, false)
}

// Reset forgets the key under this limit.
func (l *Local) Reset(ctx context.Context, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	l.store.Forget(l.rule.Identity(), key)
	return nil
}

func (l *Local) ask(ctx context.Context, key string, n int64, commit bool) (Result, error) {
	if err := checkCost(n, l.rule.Capacity()); err != nil {
		return Result{}, err
	}
	if err := ended(ctx); err != nil {
		return Result{}, err
	}
	standing, err := l.store.Decide(l.rule, key, l.now, n, commit)
	if err != nil {
		return Result{}, err
	}
	return resultOf(l.rule, standing), nil
}

// ended returns an error if the context has ended.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: nothing was charged: %w", err)
	}
	return nil
}

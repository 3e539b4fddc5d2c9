package algorithms

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// A Remote is a [Limiter] that keeps its state on a Redis or Valkey server. The New of each algorithm returns one. Each
// decision is one call of one script. It is safe for concurrent use, in any number of processes.
type Remote struct {
	algorithm *rule.Algorithm
	caller    remote.Caller
	limit     Limit
	rule      rule.Rule
	one       []string // the arguments of a request of cost 1, on the server's clock
	local     *localStore
}

// A localStore is the store of all Locals of one Remote and of those that its With returned. It is made on first use.
type localStore struct {
	once  sync.Once
	store rule.Store
}

var _ Limiter = (*Remote)(nil)

// NewRemote makes the Remote of an algorithm. Only the packages of the algorithms call it: use their New.
func NewRemote[O option.LocalWindow](algorithm *rule.Algorithm, run scripts.Runner, limit Limit, opts []O) (*Remote, error) {
	settings, err := option.Apply(opts)
	if err != nil {
		return nil, err
	}
	r, err := ruleOf(algorithm, limit, settings)
	if err != nil {
		return nil, err
	}
	caller, err := remote.New(run, settings, r.Identity())
	if err != nil {
		return nil, err
	}
	return &Remote{algorithm, caller, limit, r, r.Args(1, ""), &localStore{}}, nil
}

// ruleOf returns the algorithm's rule for a limit.
func ruleOf(algorithm *rule.Algorithm, limit Limit, settings option.Settings) (rule.Rule, error) {
	if err := limit.Validate(); err != nil {
		return nil, err
	}
	r, err := algorithm.Of(rule.Limit{Rate: limit.Rate, Period: limit.Period.Microseconds(), Burst: limit.Burst}, settings.Aligned)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidLimit, err)
	}
	return r, nil
}

// With returns a Remote with another limit and the same options. It is for limits that depend on the plan or the user, and
// for limits that change while the program runs. The effect on a key that is in use depends on the algorithm:
//
//   - fixedwindow and slidinglog count by Period. A new Rate continues with the present count. A new Period begins a
//     separate count.
//   - gcra and leakybucket keep a state for each limit. Under a new limit a key has its whole allowance.
//
// Limits with separate states never read or change each other's state. If k of them are in use on one key, together they
// admit up to the sum of the limits. The package's documentation says which limits suit which algorithm. The error wraps
// [ErrInvalidLimit].
func (l *Remote) With(limit Limit) (*Remote, error) {
	r, err := ruleOf(l.algorithm, limit, l.caller.Settings())
	if err != nil {
		return nil, err
	}
	return &Remote{l.algorithm, l.caller.For(r.Identity()), limit, r, r.Args(1, ""), l.local}, nil
}

// Limit returns the limit that the limiter was made with.
func (l *Remote) Limit() Limit { return l.limit }

// Local returns the [Local] of the same algorithm, limit and clock, for use while the server is away. Each call returns a Local
// over the same store: the second call finds the counts of the first. Limiters that [Remote.With] returns use that store too.
func (l *Remote) Local() (Limiter, error) {
	settings := l.caller.Settings()
	l.local.once.Do(func() { l.local.store = l.algorithm.NewStore(settings.MaxKeys, settings.Simulated()) })
	return &Local{l.algorithm, settings, l.local.store, settings.Now, l.limit, l.rule}, nil
}

// Allow asks for one event.
func (l *Remote) Allow(ctx context.Context, key string) (Result, error) { return l.AllowN(ctx, key, 1) }

// AllowN asks for n events at once, all or nothing.
func (l *Remote) AllowN(ctx context.Context, key string, n int64) (Result, error) {
	return l.ask(ctx, l.algorithm.Decide, key, n)
}

// Peek tells whether one event would be admitted now, and how much of the key's limit is left. It writes nothing.
func (l *Remote) Peek(ctx context.Context, key string) (Result, error) { return l.PeekN(ctx, key, 1) }

// PeekN tells whether n events would be admitted now, and how much of the key's limit is left. It writes nothing.
func (l *Remote) PeekN(ctx context.Context, key string, n int64) (Result, error) {
	return l.ask(ctx, l.algorithm.Peek, key, n)
}

// Reset forgets the key under this limit.
func (l *Remote) Reset(ctx context.Context, key string) error { return l.caller.Reset(ctx, key) }

func (l *Remote) ask(ctx context.Context, script *scripts.Script, key string, n int64) (Result, error) {
	if err := checkCost(n, l.rule.Capacity()); err != nil {
		return Result{}, err
	}
	args := l.one
	if n != 1 || l.caller.Settings().Simulated() {
		now, err := l.caller.Now()
		if err != nil {
			return Result{}, err
		}
		args = l.rule.Args(n, now)
	}
	reply, err := l.caller.Call(ctx, script, key, args)
	if err != nil {
		return Result{}, err
	}
	standing, sensible := l.rule.Standing(n, reply)
	if !sensible {
		return Result{}, l.nonsense(script, reply, n)
	}
	return resultOf(l.rule, standing), nil
}

// resultOf returns a standing, which is what the rule says of a key and a cost, as a Result.
func resultOf(r rule.Rule, s rule.Standing) Result {
	return Result{
		Allowed:    s.Allowed,
		Limit:      r.Capacity(),
		Remaining:  s.Remaining,
		RetryAfter: time.Duration(s.RetryAfter) * time.Microsecond,
		ResetAfter: time.Duration(s.ResetAfter) * time.Microsecond,
	}
}

// checkCost returns nil for a cost of 1 to capacity, or an error that wraps [ErrInvalidCost] or [ErrCostExceedsLimit].
func checkCost(n, capacity int64) error {
	if n < 1 {
		return fmt.Errorf("%w: %d, want 1 to %d", ErrInvalidCost, n, capacity)
	}
	if n > capacity {
		return fmt.Errorf("%w: %d, want 1 to %d", ErrCostExceedsLimit, n, capacity)
	}
	return nil
}

package leakybucket

import (
	"context"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// name is the algorithm's name in keys.
const name = "leakybucket"

// The meter decides as GCRA does (see the package's documentation), so it is the same script.
var algorithm = remote.Algorithm{Decide: scripts.GCRA, Peek: scripts.GCRAPeek}

// A Limiter is the leaky bucket's meter on a Redis or Valkey server. It is safe for concurrent use, in any
// number of processes.
type Limiter struct {
	remote *remote.Limiter
	limit  algorithms.Limit
}

var _ algorithms.Limiter = (*Limiter)(nil)

// New returns a meter that keeps its state on run's server. A request of cost n adds n to the key's
// level, which drains by limit.Rate each limit.Period, and is denied if the level would come above
// limit.Burst; n is at most that, or Rate where Burst is 0.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. New sends nothing.
func New(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (*Limiter, error) {
	settings, err := algorithms.NewSettings(name, opts...)
	if err != nil {
		return nil, err
	}
	rule, err := newRule(limit, settings)
	if err != nil {
		return nil, err
	}
	limiter, err := remote.New(algorithm, run, rule, settings)
	if err != nil {
		return nil, err
	}
	return &Limiter{limiter, limit}, nil
}

// With returns a meter of the same keys under another limit, for limits that depend on the plan or
// the user, or that change while the program runs. The level is kept as the time that it takes to
// drain, which stays, but is no longer than a full bucket of the new limit takes.
func (l *Limiter) With(limit algorithms.Limit) (*Limiter, error) {
	rule, err := newRule(limit, l.remote.Settings())
	if err != nil {
		return nil, err
	}
	return &Limiter{l.remote.With(rule), limit}, nil
}

// Limit returns the limit that the limiter was made with.
func (l *Limiter) Limit() algorithms.Limit { return l.limit }

// Allow asks for one event.
func (l *Limiter) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.remote.AllowN(ctx, key, 1)
}

// AllowN asks for n events at once, all or nothing.
func (l *Limiter) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return l.remote.AllowN(ctx, key, n)
}

// Peek returns what Allow would return now, and writes nothing.
func (l *Limiter) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.remote.Peek(ctx, key)
}

// Reset forgets the key.
func (l *Limiter) Reset(ctx context.Context, key string) error { return l.remote.Reset(ctx, key) }

// rule is the meter under one limit, on a server (Args, Result) and in this process (Decide).
type rule struct{ emission.Bucket }

func newRule(limit algorithms.Limit, _ algorithms.Settings) (rule, error) {
	if err := limit.Validate(); err != nil {
		return rule{}, err
	}
	return rule{emission.NewBucket(limit)}, nil
}

package gcra

import (
	"context"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// name is the algorithm's name in keys.
const name = "gcra"

var algorithm = remote.Algorithm{Decide: scripts.GCRA, Peek: scripts.GCRAPeek}

// A Limiter decides by GCRA on a Redis or Valkey server. It is safe for concurrent use, in any
// number of processes.
type Limiter struct {
	remote *remote.Limiter
	limit  algorithms.Limit
}

var _ algorithms.Limiter = (*Limiter)(nil)

// New returns a limiter that keeps its state on run's server. A request of cost n is admitted if
// n events more are no more than limit.Burst ahead of the rate; n is at most that burst, or Rate
// where Burst is 0.
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

// With returns a limiter of the same keys under another limit, for limits that depend on the plan
// or the user, or that change while the program runs. What a key has used stays used, as a time: it
// is paid back when it would have been, and no later than a full burst of the new limit would be.
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

// rule is GCRA under one limit, on a server (Args, Result) and in this process (Decide).
type rule struct{ emission.Bucket }

func newRule(limit algorithms.Limit, _ algorithms.Settings) (rule, error) {
	if err := limit.Validate(); err != nil {
		return rule{}, err
	}
	return rule{emission.NewBucket(limit)}, nil
}

package slidinglog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// name is the algorithm's name in keys.
const name = "slidinglog"

var algorithm = remote.Algorithm{Decide: scripts.SlidingLog, Peek: scripts.SlidingLogPeek}

// A Limiter keeps a sliding log on a Redis or Valkey server. It is safe for concurrent use, in any
// number of processes.
type Limiter struct {
	remote *remote.Limiter
	limit  algorithms.Limit
}

var _ algorithms.Limiter = (*Limiter)(nil)

// New returns a limiter that keeps its state on run's server. A request of cost n is admitted if it
// and what was admitted in the Period before it come to at most limit.Rate; n is at most Rate.
// limit.Burst has no meaning here and is left aside. Rate is at most 2^46, and Period at most 2^46
// microseconds (814 days).
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
// or the user, or that change while the program runs. The log stays: the new limit looks at the
// entries of its own Period, as far as the old one still has them.
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

// most is the largest rate, and the longest period in microseconds, that entries can hold.
const most = 1 << 46

// rule is the sliding log under one limit, on a server (Args, Result) and in this process (Decide).
type rule struct {
	rate   int64
	period int64 // µs
}

func newRule(limit algorithms.Limit, _ algorithms.Settings) (rule, error) {
	if err := limit.Validate(); err != nil {
		return rule{}, err
	}
	if limit.Rate > most {
		return rule{}, fmt.Errorf("%w: rate is %d, a sliding log's is at most %d", algorithms.ErrInvalidLimit, limit.Rate, int64(most))
	}
	if limit.Period > most*time.Microsecond {
		return rule{}, fmt.Errorf("%w: period is %v, a sliding log's is at most %v", algorithms.ErrInvalidLimit, limit.Period, most*time.Microsecond)
	}
	return rule{limit.Rate, limit.Period.Microseconds()}, nil
}

// Capacity implements remote.Rule and local.Rule.
func (r rule) Capacity() int64 { return r.rate }

// Args implements remote.Rule.
func (r rule) Args(n int64, now string) []string {
	args := make([]string, 0, 4)
	args = append(args, strconv.FormatInt(n, 10), strconv.FormatInt(r.rate, 10), strconv.FormatInt(r.period, 10))
	if now != "" {
		args = append(args, now)
	}
	return args
}

// Result implements remote.Rule.
func (r rule) Result(_ int64, reply []int64) algorithms.Result {
	if len(reply) == 1 {
		return r.result(true, reply[0], 0, r.period)
	}
	return r.result(false, -1-reply[0], reply[1], reply[2])
}

// result says in a Result what was decided, with what the last period has admitted after it, and
// the microseconds until the request fits and until the log is empty.
func (r rule) result(allowed bool, used, retry, reset int64) algorithms.Result {
	return algorithms.Result{
		Allowed:    allowed,
		Limit:      r.rate,
		Remaining:  max(r.rate-used, 0), // a lowered limit may have less than was admitted
		RetryAfter: time.Duration(retry) * time.Microsecond,
		ResetAfter: time.Duration(reset) * time.Microsecond,
	}
}

package fixedwindow

import (
	"context"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// name is the algorithm's name in keys.
const name = "fixedwindow"

var algorithm = remote.Algorithm{Decide: scripts.FixedWindow, Peek: scripts.FixedWindowPeek}

// A Limiter counts in fixed windows on a Redis or Valkey server. It is safe for concurrent use, in any
// number of processes.
type Limiter struct {
	remote *remote.Limiter
	limit  algorithms.Limit
}

var _ algorithms.Limiter = (*Limiter)(nil)

// New returns a limiter that keeps its state on run's server. A request of cost n is admitted if
// its window's count stays within limit.Rate; n is at most Rate. limit.Burst has no meaning here
// and is left aside.
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
// or the user, or that change while the program runs. An open window keeps its count and its end,
// but ends no later than a window of the new limit would that opened now.
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

// Aligned makes windows begin at whole Periods since the Unix epoch, the same for all keys (a
// minute's at second 0, a day's at midnight UTC), instead of at each key's first admitted request.
func Aligned() algorithms.Option {
	return algorithms.OptionOf(name, func(s *algorithms.Settings) { s.Aligned = true })
}

// rule is the fixed window under one limit, on a server (Args, Result) and in this process (Decide).
type rule struct {
	rate    int64
	period  int64 // µs
	aligned bool
}

func newRule(limit algorithms.Limit, settings algorithms.Settings) (rule, error) {
	if err := limit.Validate(); err != nil {
		return rule{}, err
	}
	return rule{limit.Rate, limit.Period.Microseconds(), settings.Aligned}, nil
}

// Capacity implements remote.Rule and local.Rule.
func (r rule) Capacity() int64 { return r.rate }

// Args implements remote.Rule.
func (r rule) Args(n int64, now string) []string {
	args := make([]string, 0, 5)
	args = append(args, strconv.FormatInt(n, 10), strconv.FormatInt(r.rate, 10), strconv.FormatInt(r.period, 10))
	switch {
	case r.aligned:
		args = append(args, now, "1")
	case now != "":
		args = append(args, now)
	}
	return args
}

// Result implements remote.Rule.
func (r rule) Result(_ int64, reply []int64) algorithms.Result {
	count, allowed := reply[0], reply[0] >= 0
	if !allowed {
		count = -1 - count
	}
	return r.result(allowed, count, reply[1])
}

// result says in a Result what was decided, with the window's count after it and the microseconds
// that the window is still open.
func (r rule) result(allowed bool, count, left int64) algorithms.Result {
	untilEnd := time.Duration(left) * time.Microsecond
	result := algorithms.Result{
		Allowed:    allowed,
		Limit:      r.rate,
		Remaining:  max(r.rate-count, 0), // a lowered limit may have less than was counted
		ResetAfter: untilEnd,
	}
	if !allowed {
		result.RetryAfter = untilEnd
	}
	return result
}

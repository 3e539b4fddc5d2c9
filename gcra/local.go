package gcra

import (
	"context"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
)

// A Local decides by GCRA inside this process, with the same answers as a [Limiter] on one
// server. It is the limiter for a single process and for tests, and a fallback for when the server
// is away. It is safe for concurrent use, and forgets keys that have nothing left to say.
type Local struct {
	local *local.Limiter[state]
	limit algorithms.Limit
}

var _ algorithms.Limiter = (*Local)(nil)

// NewLocal returns a limiter that keeps its state in this process. WithPrefix and WithName have no
// effect: each Local counts for itself.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocal(limit algorithms.Limit, opts ...algorithms.Option) (*Local, error) {
	settings, err := algorithms.NewSettings(name, opts...)
	if err != nil {
		return nil, err
	}
	rule, err := newRule(limit, settings)
	if err != nil {
		return nil, err
	}
	return &Local{local.New(rule, settings), limit}, nil
}

// With returns a limiter of the same keys under another limit, as Limiter.With does.
func (l *Local) With(limit algorithms.Limit) (*Local, error) {
	rule, err := newRule(limit, l.local.Settings())
	if err != nil {
		return nil, err
	}
	return &Local{l.local.With(rule), limit}, nil
}

// Limit returns the limit that the limiter was made with.
func (l *Local) Limit() algorithms.Limit { return l.limit }

// Allow asks for one event.
func (l *Local) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.local.AllowN(ctx, key, 1)
}

// AllowN asks for n events at once, all or nothing.
func (l *Local) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return l.local.AllowN(ctx, key, n)
}

// Peek returns what Allow would return now, and changes nothing.
func (l *Local) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.local.Peek(ctx, key)
}

// Reset forgets the key.
func (l *Local) Reset(ctx context.Context, key string) error { return l.local.Reset(ctx, key) }

// state is a key's theoretical arrival time: tat + part/den microseconds since the Unix epoch.
type state struct{ tat, part, den int64 }

// Decide implements local.Rule.
func (r rule) Decide(s *state, now, n int64, commit bool) (algorithms.Result, int64) {
	ahead := r.Until(s.tat, s.part, s.den, now)
	clamped := !ahead.AtMost(r.Depth)
	if clamped {
		ahead = r.Depth
	}
	after, allowed := r.Admit(ahead, n)
	if allowed {
		ahead = after
	}
	var until int64
	if commit && (allowed || clamped) {
		*s = state{now + ahead.Us, ahead.Part, r.Den()}
		until = s.tat + 1
	}
	return r.Decided(n, allowed, ahead), until
}

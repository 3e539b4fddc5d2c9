package slidinglog

import (
	"context"
	"sort"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
)

// A Local keeps a sliding log inside this process, with the same answers as a [Limiter] on one
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

// state is a key's log: what each admitted request cost, and when, oldest first.
type state struct {
	entries []entry
	gone    int64 // the running count of the last entry that has left the log
}

// An entry is an admitted request: the time in microseconds since the Unix epoch, and the running
// count of all that was admitted, this request included.
type entry struct{ at, count int64 }

// Decide implements local.Rule. Only what is to be kept is cut or appended, so that a request that
// changes nothing leaves the entries as they were.
func (r rule) Decide(s *state, now, n int64, commit bool) (algorithms.Result, int64) {
	entries, gone := s.entries, s.gone
	live := sort.Search(len(entries), func(i int) bool { return now-entries[i].at < r.period })
	if live > 0 {
		gone = entries[live-1].count
	}
	entries = entries[live:]
	var newest entry
	used := int64(0)
	if len(entries) > 0 {
		newest = entries[len(entries)-1]
		used = newest.count - gone
	}
	clamped := newest.at > now
	allowed := used+n <= r.rate
	retry, reset := int64(0), r.period
	if allowed {
		used += n
	} else {
		fits := sort.Search(len(entries), func(i int) bool { return entries[i].count >= gone+used+n-r.rate })
		retry = r.period - max(now-entries[fits].at, 0)
		reset = r.period - max(now-newest.at, 0)
	}
	if !commit || !allowed && !clamped {
		return r.result(allowed, used, retry, reset), 0
	}
	if clamped {
		future := sort.Search(len(entries), func(i int) bool { return entries[i].at > now })
		entries = append(entries[:future], entry{now, newest.count})
	}
	if allowed {
		entries = append(entries, entry{now, gone + used})
	}
	s.entries, s.gone = entries, gone
	return r.result(allowed, used, retry, reset), now + reset
}

package limitertest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

func testWrongCosts(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerMinute(10))
	before, dump := l.peek("k"), s.dump(t, l)
	for _, wrong := range []struct {
		n    int64
		want error
	}{
		{0, algorithms.ErrInvalidCost},
		{-1, algorithms.ErrInvalidCost},
		{math.MinInt64, algorithms.ErrInvalidCost},
		{11, algorithms.ErrCostExceedsLimit},
		{math.MaxInt64, algorithms.ErrCostExceedsLimit},
	} {
		if r, err := l.AllowN(context.Background(), "k", wrong.n); !errors.Is(err, wrong.want) || r.Allowed {
			t.Errorf("cost %d: %+v, error %v, want %v", wrong.n, r, err, wrong.want)
		}
		if r, err := l.PeekN(context.Background(), "k", wrong.n); !errors.Is(err, wrong.want) || r.Allowed {
			t.Errorf("PeekN of cost %d: %+v, error %v, want %v", wrong.n, r, err, wrong.want)
		}
	}
	s.sameDump(t, l, dump, "a wrong cost")
	if after := l.peek("k"); after != before {
		t.Errorf("after wrong costs %+v, before them %+v", after, before)
	}
}

func testWrongLimits(t *testing.T, s *suite) {
	for _, limit := range []algorithms.Limit{
		{},
		algorithms.PerSecond(0),
		algorithms.PerSecond(-1),
		algorithms.PerSecond(math.MinInt64),
		algorithms.PerSecond(math.MaxInt64),
		algorithms.Per(1, 0),
		algorithms.Per(1, -time.Second),
		algorithms.Per(1, 999*time.Nanosecond),
		algorithms.Per(1, 1500*time.Nanosecond),
		algorithms.Per(1, math.MaxInt64),
		algorithms.PerSecond(1).WithBurst(-1),
		algorithms.PerSecond(1).WithBurst(math.MaxInt64),
		algorithms.PerDay(1).WithBurst(1 << 40),
	} {
		if l, err := s.factory(limit); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%+v: limiter %v, error %v, want ErrInvalidLimit", limit, l, err)
		}
	}
}

func testWrongOptions(t *testing.T, s *suite) {
	for name, opt := range map[string]algorithms.Option{
		"prefix with a brace": algorithms.WithPrefix("a{b"),
		"name with a brace":   algorithms.WithName("a}b"),
		"nil":                 nil,
	} {
		if l, err := s.factory(algorithms.PerSecond(1), opt); !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: limiter %v, error %v, want ErrInvalidOption", name, l, err)
		}
	}
}

func testWrongTimes(t *testing.T, s *suite) {
	for _, wrong := range []time.Time{
		{},
		time.UnixMicro(-1),
		time.UnixMicro(1 << 52),
		time.UnixMicro(math.MaxInt64),
		time.Unix(math.MaxInt64/2, 0),
	} {
		l := s.subject(t, algorithms.PerSecond(1), algorithms.WithClock(func() time.Time { return wrong }))
		if r, err := l.Allow(context.Background(), "k"); !errors.Is(err, algorithms.ErrInvalidTime) {
			t.Errorf("at %v: %+v, error %v, want ErrInvalidTime", wrong, r, err)
		}
	}
	for _, right := range []time.Time{time.UnixMicro(0), time.UnixMicro(1<<52 - 1)} {
		l := s.subject(t, algorithms.PerSecond(1), algorithms.WithClock(func() time.Time { return right }))
		if admitted, denial := l.fill("k"); admitted != 1 || denial.RetryAfter > time.Second {
			t.Errorf("at %v: %d admitted, then %+v, want 1 and up to a second to wait", right, admitted, denial)
		}
	}
}

func testEndedContext(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerMinute(2))
	before := l.peek("k")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	expired, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	for _, ended := range []struct {
		ctx  context.Context
		want error
	}{{canceled, context.Canceled}, {expired, context.DeadlineExceeded}} {
		_, allow := l.Allow(ended.ctx, "k")
		_, allowN := l.AllowN(ended.ctx, "k", 2)
		_, peek := l.Peek(ended.ctx, "k")
		_, peekN := l.PeekN(ended.ctx, "k", 2)
		for name, err := range map[string]error{"Allow": allow, "AllowN": allowN, "Peek": peek, "PeekN": peekN, "Reset": l.Reset(ended.ctx, "k")} {
			if !errors.Is(err, ended.want) {
				t.Errorf("%s with an ended context: error %v, want %v", name, err, ended.want)
			}
		}
	}
	if after := l.peek("k"); after != before {
		t.Errorf("after calls with an ended context %+v, before them %+v", after, before)
	}
}

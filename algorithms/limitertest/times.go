package limitertest

import (
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// longest is the longest that a limit can ever make a single event wait: a period where windows are
// counted, the payback of a burst where a rate is kept.
func longest(limit algorithms.Limit) time.Duration {
	payback := time.Duration(float64(limit.Period) / float64(limit.Rate) * float64(limit.BurstOrRate()))
	return max(limit.Period, payback+time.Microsecond)
}

// testClockBack sets the clock back by an hour under a full key: nobody waits longer than the
// limit could ask, and nobody gets more than the limit.
func testClockBack(t *testing.T, s *suite) {
	for _, limit := range limits {
		l := s.subject(t, limit)
		reference := s.companion(t, l, limit)
		capacity := l.peek("k").Limit
		for range 3 {
			l.ask("k", max(capacity/3, 1))
			reference.ask("k", max(capacity/3, 1))
			l.Advance(limit.Period / 10)
		}
		l.ask("k", 1)
		reference.ask("k", 1)
		for _, step := range []time.Duration{time.Hour, time.Microsecond, 1000 * time.Hour} {
			l.Advance(-step)
			admitted, denial := int64(0), l.peek("k")
			if capacity <= 1000 {
				admitted, denial = l.fill("k")
				for range admitted + 1 {
					reference.ask("k", 1)
				}
			} else if denial.Allowed {
				continue
			}
			if admitted > capacity {
				t.Errorf("%v, clock %v back: %d admitted at one moment, want at most %d", limit, step, admitted, capacity)
			}
			if denial.RetryAfter > longest(limit) {
				t.Errorf("%v, clock %v back: told to wait %v, the limit can ask for %v", limit, step, denial.RetryAfter, longest(limit))
			}
			r := l.ask("k", 1)
			reference.ask("k", 1)
			l.Advance(r.RetryAfter - time.Microsecond)
			if early := l.ask("k", 1); !r.Allowed && early.Allowed {
				t.Errorf("%v, clock %v back: allowed 1µs before the %v told", limit, step, r.RetryAfter)
			}
			l.Advance(time.Microsecond)
			want := reference.ask("k", 1)
			if r := l.ask("k", 1); !r.Allowed || (want != algorithms.Result{}) && r != want {
				t.Errorf("%v, clock %v back: %+v after the wait told, want it allowed; the reference says %+v", limit, step, r, want)
			}
		}
	}
}

// testClockForward sets the clock on by an hour and back: what was admitted in the hour that wasn't
// must not lock anybody out.
func testClockForward(t *testing.T, s *suite) {
	limit := algorithms.PerMinute(6)
	l := s.subject(t, limit)
	fresh := l.peek("k")
	l.fill("k")
	l.Advance(time.Hour)
	if r := l.peek("k"); r != fresh {
		t.Errorf("an hour later %+v, want %+v as for a new key", r, fresh)
	}
	l.fill("k")
	l.Advance(-time.Hour)
	r := l.ask("k", 1)
	if r.Allowed || r.RetryAfter > time.Minute {
		t.Errorf("an hour back %+v, want it denied with at most a minute to wait", r)
	}
	l.Advance(r.RetryAfter)
	if r := l.ask("k", 1); !r.Allowed {
		t.Errorf("after the wait %+v, want it allowed", r)
	}
}

// testLimitChanges raises and lowers the limit of a full key: the new limit is kept, and nobody
// waits longer than it could ask.
func testLimitChanges(t *testing.T, s *suite) {
	if s.change == nil {
		return
	}
	for _, from := range limits {
		for _, to := range limits {
			l := s.subject(t, from)
			capacity := l.peek("k").Limit
			l.ask("k", max(capacity/2, 1))
			l.Advance(time.Microsecond)
			l.ask("k", max(capacity/2, 1))
			changed, err := s.change(l.Limiter, to)
			if err != nil {
				t.Fatalf("%v changed to %v: %v", from, to, err)
			}
			l.Limiter = changed
			r := l.ask("k", 1)
			if most := longest(to); r.RetryAfter > most {
				t.Errorf("%v changed to %v: told to wait %v, the new limit can ask for %v", from, to, r.RetryAfter, most)
			}
			l.Advance(r.RetryAfter)
			after := l.ask("k", 1)
			if !r.Allowed && !after.Allowed {
				t.Errorf("%v changed to %v: %+v after the wait told, want it allowed", from, to, after)
			}
			if after.Limit != l.peek("fresh").Limit {
				t.Errorf("%v changed to %v: the limit is told as %d", from, to, after.Limit)
			}
		}
	}
	l := s.subject(t, limits[0])
	if _, err := s.change(l.Limiter, algorithms.Limit{}); err == nil {
		t.Error("changed to the zero Limit without an error")
	}
}

// companion returns the reference limiter on l's clock, which decides nothing where there is none.
func (s *suite) companion(t testing.TB, l *subject, limit algorithms.Limit) *subject {
	t.Helper()
	if s.reference == nil {
		return &subject{Limiter: nobody{}, Clock: l.Clock, t: t}
	}
	reference, err := s.reference(limit, algorithms.WithClock(l.Now))
	if err != nil {
		t.Fatalf("new reference of %v: %v", limit, err)
	}
	return &subject{Limiter: reference, Clock: l.Clock, t: t}
}

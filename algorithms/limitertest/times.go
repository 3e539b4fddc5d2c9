package limitertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// longest returns the longest time that a limit can make a single event wait: a Period for algorithms that count events, or
// the time in which a whole burst is paid back for those that keep a rate.
func longest(limit algorithms.Limit) time.Duration {
	payback := time.Duration(float64(limit.Period) / float64(limit.Rate) * float64(limit.BurstOrRate()))
	return max(limit.Period, payback+time.Microsecond)
}

// testClockBack sets the clock back after a key was filled: no request waits longer than the limit can require, and no more
// than the limit is admitted.
func testClockBack(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
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
				t.Errorf("%v, clock %v back: RetryAfter is %v, the limit can require at most %v", limit, step, denial.RetryAfter, longest(limit))
			}
			r := l.ask("k", 1)
			reference.ask("k", 1)
			l.Advance(r.RetryAfter - time.Microsecond)
			if early := l.ask("k", 1); !r.Allowed && early.Allowed {
				t.Errorf("%v, clock %v back: allowed 1µs before the RetryAfter of %v", limit, step, r.RetryAfter)
			}
			l.Advance(time.Microsecond)
			want := reference.ask("k", 1)
			if r := l.ask("k", 1); !r.Allowed || (want != algorithms.Result{}) && r != want {
				t.Errorf("%v, clock %v back: %+v after RetryAfter, want it allowed; the reference says %+v", limit, step, r, want)
			}
		}
	}
}

// testClockForward sets the clock forward by an hour and back again: requests that were admitted at the wrong time must not
// cause denials for longer than a Period.
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

// testNoLimitVoidsAnother uses up two limits on one key: a decision under one changes nothing for the other. Limiters that
// count by Period share the count of one Period, but neither admits more than its own limit.
func testNoLimitVoidsAnother(t *testing.T, s *suite) {
	if s.change == nil {
		return
	}
	for _, one := range s.limits() {
		for _, two := range s.limits() {
			if one == two {
				continue
			}
			l := s.subject(t, one)
			changed, err := s.change(l.Limiter, two)
			if err != nil {
				t.Fatalf("%v changed to %v: %v", one, two, err)
			}
			other := &subject{Limiter: changed, Clock: l.Clock, t: t}
			shared := s.burstless && one.Period == two.Period
			l.ask("k", l.peek("k").Limit)
			full := l.ask("k", 1)
			if fresh, standing := other.peek("new"), other.peek("k"); !shared && standing != fresh {
				t.Errorf("%v is full: %v begins with %+v, want %+v", one, two, standing, fresh)
			}
			for range 3 {
				other.ask("k", max(other.peek("k").Remaining, 1))
				if r := other.ask("k", other.peek("k").Limit); r.Allowed {
					t.Errorf("%v, with %v full on the same key: all of it is admitted again: %+v", two, one, r)
				}
				if r := l.ask("k", 1); r.Allowed || !shared && r != full {
					t.Errorf("%v was full, %+v; after requests under %v it is %+v", one, full, two, r)
				}
			}
			if err := other.Reset(context.Background(), "k"); err != nil {
				t.Fatal(err)
			}
			if r := l.ask("k", 1); r.Allowed != shared && !s.repeats {
				t.Errorf("%v was full; after Reset under %v it is %+v", one, two, r)
			}
		}
	}
	l := s.subject(t, limits[0])
	if _, err := s.change(l.Limiter, algorithms.Limit{}); !errors.Is(err, algorithms.ErrInvalidLimit) {
		t.Errorf("changed to the zero Limit: error %v, want ErrInvalidLimit", err)
	}
}

// testChangedRate raises and lowers the Rate. Algorithms that count by Period compare their count with the new Rate. The
// others begin with the whole allowance.
func testChangedRate(t *testing.T, s *suite) {
	if s.change == nil {
		return
	}
	l := s.subject(t, algorithms.PerMinute(10))
	l.ask("k", 8)
	for _, to := range []struct{ rate, remaining int64 }{{20, 12}, {9, 1}, {5, 0}} {
		changed, err := s.change(l.Limiter, algorithms.PerMinute(to.rate))
		if err != nil {
			t.Fatal(err)
		}
		if !s.burstless {
			to.remaining = to.rate
		}
		r, err := changed.Peek(context.Background(), "k")
		if err != nil || r.Limit != to.rate || r.Remaining != to.remaining || r.Allowed != (to.remaining > 0) {
			t.Errorf("8 of 10/minute, then %d/minute: %+v, %v, want %d remaining", to.rate, r, err, to.remaining)
		}
	}
}

// companion returns the reference limiter on l's clock, or one that decides nothing if there is none.
func (s *suite) companion(t testing.TB, l *subject, limit algorithms.Limit) *subject {
	t.Helper()
	if s.reference == nil {
		return &subject{Limiter: noReference{}, Clock: l.Clock, t: t}
	}
	reference, err := s.reference(limit, algorithms.WithClock(l.Now))
	if err != nil {
		t.Fatalf("new reference of %v: %v", limit, err)
	}
	return &subject{Limiter: reference, Clock: l.Clock, t: t}
}

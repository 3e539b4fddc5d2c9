package limitertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// Reserving makes the suite test reservations too. The limiter must be an algorithms.Reserver, and so must the reference of
// [Against].
func Reserving() Option { return func(s *suite) { s.reserving = true } }

// reservationPromises are tested with [Reserving].
var reservationPromises = []promise{
	{"ReserveDecidesAsAllowN", testReserveDecidesAsAllowN},
	{"SettledAtOnce", testSettledAtOnce},
	{"SettledLater", testSettledLater},
	{"SettledIntoDebt", testSettledIntoDebt},
	{"SettledOnce", testSettledOnce},
	{"SettledConcurrently", testSettledConcurrently},
	{"SettledAfterReset", testSettledAfterReset},
	{"ReservationsOfAnyKey", testReservationsOfAnyKey},
	{"WrongReservations", testWrongReservations},
	{"RandomReservations", testRandomReservations},
	{"EveryReservedKeyHasATTL", testEveryReservedKeyHasATTL},
}

// reserve reserves n events and fails the test on an error.
func (s *subject) reserve(key string, n int64) *algorithms.Reservation {
	s.t.Helper()
	reserver, ok := s.Limiter.(algorithms.Reserver)
	if !ok {
		s.t.Fatalf("a %T is no algorithms.Reserver", s.Limiter)
	}
	r, err := reserver.Reserve(context.Background(), key, n)
	if err != nil {
		s.t.Fatalf("at %v: %v", s.Now(), err)
	}
	return r
}

// reserved reserves n events that must be admitted.
func (s *subject) reserved(key string, n int64) *algorithms.Reservation {
	s.t.Helper()
	r := s.reserve(key, n)
	if !r.Result().Allowed {
		s.t.Fatalf("a Reserve of %d: %+v, want it admitted", n, r.Result())
	}
	return r
}

// commit settles and fails the test on an error.
func (s *subject) commit(r *algorithms.Reservation, used int64) {
	s.t.Helper()
	if err := r.Commit(context.Background(), used); err != nil {
		s.t.Fatalf("at %v: Commit of %d: %v", s.Now(), used, err)
	}
}

// standsAs fails the test unless both limiters give the same answers to Peeks of a key.
func (s *subject) standsAs(other *subject, key, after string) {
	s.t.Helper()
	capacity := s.peek(key).Limit
	for _, n := range []int64{1, 2, capacity/2 + 1, capacity} {
		if n > capacity {
			continue
		}
		if got, want := s.peekN(key, n), other.peekN(key, n); got != want {
			s.t.Fatalf("%s: %d events stand at %+v, want %+v", after, n, got, want)
		}
	}
}

// twins returns two limiters of one limit that share no keys.
func (s *suite) twins(t *testing.T, limit algorithms.Limit) (l, twin *subject) {
	t.Helper()
	l, twin = s.subject(t, limit), s.subject(t, limit)
	return l, twin
}

// advance moves the clocks of both limiters.
func advance(d time.Duration, l, twin *subject) {
	l.Advance(d)
	twin.Advance(d)
}

// smallLimits are the limits whose whole capacity can be asked for in a few requests.
func (s *suite) smallLimits() (small []algorithms.Limit) {
	for _, limit := range s.limits() {
		if limit.BurstOrRate() <= 100 {
			small = append(small, limit)
		}
	}
	return small
}

func testReserveDecidesAsAllowN(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
		l, twin := s.twins(t, limit)
		capacity := l.peek("k").Limit
		for i := range int64(12) {
			n := 1 + i*i*(capacity-1)/200
			if got, want := l.reserve("k", n).Result(), twin.ask("k", n); got != want {
				t.Fatalf("%v: a Reserve of %d: %+v, AllowN %+v", limit, n, got, want)
			}
			advance(limit.Period/12, l, twin)
		}
	}
}

// testSettledAtOnce: after a settlement at the instant of the charge, the key is as if the true cost had been charged.
func testSettledAtOnce(t *testing.T, s *suite) {
	for _, limit := range s.smallLimits() {
		l, twin := s.twins(t, limit)
		capacity := l.peek("k").Limit
		for used := range min(capacity, 10) {
			l.commit(l.reserved("k", max(l.peek("k").Remaining, 1)), used)
			if used > 0 {
				twin.ask("k", used)
			}
			l.standsAs(twin, "k", fmt.Sprintf("%v: %d used at once", limit, used))
			advance(limit.Period*time.Duration(2+used), l, twin)
		}
		first, second := l.reserved("k", capacity/2+1), (*algorithms.Reservation)(nil)
		if capacity > 2 {
			second = l.reserved("k", capacity-capacity/2-1)
		}
		l.commit(first, 0)
		if second != nil {
			l.commit(second, 0)
		}
		l.standsAs(twin, "k", fmt.Sprintf("%v: two canceled", limit))
	}
}

// testSettledLater: the used part of the limit is never less than if the true cost had been charged.
func testSettledLater(t *testing.T, s *suite) {
	for _, limit := range s.smallLimits() {
		capacity := s.subject(t, limit).peek("k").Limit
		if capacity < 3 {
			continue
		}
		for quarters := range time.Duration(6) {
			l, twin := s.twins(t, limit)
			reservation := l.reserved("k", capacity-1)
			twin.ask("k", 1)
			if l.ask("k", 1).Allowed != twin.ask("k", 1).Allowed {
				t.Fatalf("%v: one beside a reservation is denied", limit)
			}
			advance(limit.Period*quarters/4, l, twin)
			l.commit(reservation, 1)
			for n := int64(1); n <= capacity; n++ {
				if got, least := l.peekN("k", n), twin.peekN("k", n); got.RetryAfter < least.RetryAfter || got.ResetAfter < least.ResetAfter {
					t.Fatalf("%v: settled after %d/4 of a period, %d events stand at %+v, with the true cost at %+v", limit, quarters, n, got, least)
				}
			}
		}
	}
}

// testSettledIntoDebt: a cost that doesn't fit is charged, and the wait after it is exact.
func testSettledIntoDebt(t *testing.T, s *suite) {
	for _, limit := range s.smallLimits() {
		l := s.subject(t, limit)
		capacity := l.peek("k").Limit
		l.commit(l.reserved("k", capacity), 3*capacity)
		r := l.ask("k", 1)
		if r.Allowed || r.Remaining != 0 || r.RetryAfter <= 0 {
			t.Fatalf("%v: one event in a debt: %+v", limit, r)
		}
		for r.RetryAfter > time.Microsecond {
			wait := r.RetryAfter / 2
			l.Advance(wait)
			again := l.ask("k", 1)
			if again.Allowed || again.RetryAfter != r.RetryAfter-wait.Truncate(time.Microsecond) {
				t.Fatalf("%v: after %v of %v: %+v", limit, wait, r.RetryAfter, again)
			}
			r = again
		}
		l.Advance(r.RetryAfter)
		if r := l.ask("k", 1); !r.Allowed {
			t.Fatalf("%v: one event after the wait for it: %+v", limit, r)
		}
	}
}

func testSettledOnce(t *testing.T, s *suite) {
	l, ctx := s.subject(t, algorithms.PerHour(10)), context.Background()
	r := l.reserved("k", 10)
	for _, used := range []int64{-1, 1<<63 - 1} {
		if err := r.Commit(ctx, used); !errors.Is(err, algorithms.ErrInvalidCost) {
			t.Errorf("Commit of %d: %v, want ErrInvalidCost", used, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.Cancel(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Cancel in a context that has ended: %v, want context.Canceled", err)
	}
	denied := l.reserve("k", 1)
	if denied.Result().Allowed || denied.Result().RetryAfter <= 0 {
		t.Errorf("a Reserve of more than fits: %+v", denied.Result())
	}
	l.commit(denied, 0)
	l.commit(denied, 5)
	l.commit(r, 4)
	for _, used := range []int64{0, 4, 10} {
		if err := r.Commit(ctx, used); !errors.Is(err, algorithms.ErrSettled) {
			t.Errorf("a second Commit, of %d: %v, want ErrSettled", used, err)
		}
	}
	exact := l.reserved("k", 2)
	l.commit(exact, 2)
	if err := exact.Cancel(ctx); !errors.Is(err, algorithms.ErrSettled) {
		t.Errorf("a Cancel after the Commit of what was reserved: %v, want ErrSettled", err)
	}
	if got := l.peek("k"); got.Remaining != 4 {
		t.Errorf("4 and 2 used of 10: %+v", got)
	}
}

func testSettledConcurrently(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerHour(64))
	var callers sync.WaitGroup
	for i := range int64(8) {
		callers.Add(1)
		go func() {
			defer callers.Done()
			random := rand.New(rand.NewPCG(0x77656972, uint64(i))) // the same each time
			for range 20 {
				r, err := l.Limiter.(algorithms.Reserver).Reserve(context.Background(), "k", 1+random.Int64N(8))
				if err == nil {
					err = r.Cancel(context.Background())
				}
				if err != nil || !r.Result().Allowed {
					t.Errorf("%+v, %v", r, err)
					return
				}
			}
		}()
	}
	callers.Wait()
	if r := l.peek("k"); r.Remaining != 64 {
		t.Errorf("after all was canceled: %+v, want 64 remaining", r)
	}
}

package limitertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// testSettledAfterReset: if the key was reset since the Reserve, a settlement gives back at most the charge.
func testSettledAfterReset(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerHour(10))
	reservation := l.reserved("k", 4)
	if err := l.Reset(context.Background(), "k"); err != nil {
		t.Fatal(err)
	}
	l.ask("k", 6)
	l.commit(reservation, 0)
	if r := l.peek("k"); r.Remaining < 4 || r.Remaining > 8 {
		t.Errorf("6 of 10 admitted after a Reset, and 4 canceled from before it: %+v", r)
	}
	if err := l.Reset(context.Background(), "k"); err != nil {
		t.Fatal(err)
	}
	l.commit(l.reserved("k", 10), 0)
	if r := l.peek("k"); r.Remaining != 10 {
		t.Errorf("after another Reset, all reserved and canceled: %+v", r)
	}
}

// testReservationsOfAnyKey: reservations of unusual keys are separate, and so is the state for their settlement.
func testReservationsOfAnyKey(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerHour(3))
	keys := []string{
		"", "k", "}", "{", "{}", "given", ":{given}", "k}:{given", "k:{given}", "a{b}c", "\x00", strings.Repeat("k", 257), strings.Repeat("k", 257) + ":{given}",
	}
	reservations := make([]*algorithms.Reservation, len(keys))
	for round := range 2 {
		for i, key := range keys {
			reservations[i] = l.reserved(key, 3)
		}
		for i, key := range keys {
			l.commit(reservations[i], int64(1+round))
			if r := l.peek(key); r.Remaining != int64(2-round) {
				t.Errorf("%d of 3 used of the key %.20q: %+v", 1+round, key, r)
			}
		}
		for _, key := range keys {
			if err := l.Reset(context.Background(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"given", "{given", ":{given"} {
		other := s.subject(t, algorithms.PerHour(3), algorithms.WithPrefix(l.prefix), algorithms.WithName(name))
		reservation := other.reserved("k", 3)
		l.commit(l.reserved("k", 3), 0)
		other.commit(reservation, 0)
		if r := other.peek("k"); r.Remaining != 3 {
			t.Errorf("under the name %q, all canceled: %+v", name, r)
		}
	}
}

func testWrongReservations(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerHour(3))
	before := s.dump(t, l)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		n    int64
		want error
	}{
		{context.Background(), 0, algorithms.ErrInvalidCost}, {context.Background(), -1, algorithms.ErrInvalidCost},
		{context.Background(), 4, algorithms.ErrCostExceedsLimit}, {ended, 1, context.Canceled},
	} {
		if r, err := l.Limiter.(algorithms.Reserver).Reserve(c.ctx, "k", c.n); r != nil || !errors.Is(err, c.want) {
			t.Errorf("Reserve of %d: %+v, %v, want %v", c.n, r, err, c.want)
		}
	}
	s.sameDump(t, l, before, "a wrong Reserve")
}

// testRandomReservations compares random traces with those of the reference.
func testRandomReservations(t *testing.T, s *suite) {
	if s.reference == nil {
		return
	}
	for i := range 12 {
		random := rand.New(rand.NewPCG(0x77656972, uint64(i))) // the same each time
		limit := s.fitting(limits[random.IntN(len(limits))])
		l := s.subject(t, limit)
		reference := s.companion(t, l, limit)
		capacity := l.peek("k").Limit
		var open [][2]*algorithms.Reservation
		for call := range 60 {
			switch what := random.IntN(6); {
			case what == 0:
				l.Advance(time.Duration(random.Int64N(int64(limit.Period))))
			case what == 1:
				n := 1 + random.Int64N(capacity)
				if got, want := l.ask("k", n), reference.ask("k", n); got != want {
					t.Fatalf("call %d (%v): %d events: %+v, the reference says %+v", call, limit, n, got, want)
				}
			case what < 4 || len(open) == 0:
				n := 1 + random.Int64N(capacity/2+1)
				pair := [2]*algorithms.Reservation{l.reserve("k", n), reference.reserve("k", n)}
				if got, want := pair[0].Result(), pair[1].Result(); got != want {
					t.Fatalf("call %d (%v): a Reserve of %d: %+v, the reference says %+v", call, limit, n, got, want)
				}
				open = append(open, pair)
			default:
				which, used := random.IntN(len(open)), random.Int64N(2)*random.Int64N(2*capacity)
				l.commit(open[which][0], used)
				reference.commit(open[which][1], used)
				open = append(open[:which], open[which+1:]...)
			}
			l.standsAs(reference, "k", fmt.Sprintf("call %d (%v)", call, limit))
		}
	}
}

// testEveryReservedKeyHasATTL: the keys of reservations, and those for settlements, have a TTL.
func testEveryReservedKeyHasATTL(t *testing.T, s *suite) {
	if s.store == nil {
		return
	}
	for _, limit := range s.limits() {
		for _, opts := range [][]algorithms.Option{nil, {algorithms.WithClock(nil)}} {
			l := s.subject(t, limit, opts...)
			capacity := l.peek("k").Limit
			for i := range int64(4) {
				r := l.reserve("k", capacity/3+1)
				s.wantTTL(t, l, 0)
				l.commit(r, i*capacity/6)
				s.wantTTL(t, l, 0)
				l.Advance(limit.Period / 3)
			}
		}
	}
}

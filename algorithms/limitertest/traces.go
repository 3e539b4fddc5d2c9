package limitertest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// testRandomTraces sends random requests at random times to the limiter and to the reference, on
// one clock: each answer must be the same, field for field. Each trace mixes costs, Peeks, Resets,
// changes of the limit and clocks that go back.
func testRandomTraces(t *testing.T, s *suite) {
	if s.reference == nil {
		return
	}
	const traces, requests = 12, 120
	for i := range traces {
		seed := [2]uint64{0x77656972, uint64(i)}
		random := rand.New(rand.NewPCG(seed[0], seed[1])) //nolint:gosec // a trace must be the same each time
		limit := limits[random.IntN(len(limits))]
		l := s.subject(t, limit)
		reference := s.companion(t, l, limit)
		for request := range requests {
			moved := randomStep(random, limit)
			l.Advance(moved)
			if s.change != nil && random.IntN(40) == 0 {
				// Of the same period, as entries that are already out of the log are forgotten sooner or later.
				limit = algorithms.Per(1+random.Int64N(20), limit.Period)
				l.Limiter, reference.Limiter = changeBoth(t, s, l.Limiter, reference.Limiter, limit)
			}
			call := randomCall(random, l.peek("k").Limit)
			got, want := call(l), call(reference)
			if got != want {
				t.Fatalf("trace %d, request %d (%v, the clock moved by %v): %+v, the reference says %+v",
					i, request, limit, moved, got, want)
			}
		}
	}
}

// randomStep is how far the clock moves before a request: mostly about as far as the limit's rate,
// sometimes nothing, a microsecond, a whole period or more, rarely back.
func randomStep(random *rand.Rand, limit algorithms.Limit) time.Duration {
	interval := max(int64(limit.Period)/limit.Rate, int64(time.Microsecond))
	switch random.IntN(20) {
	case 0, 1, 2, 3, 4:
		return 0
	case 5, 6:
		return time.Microsecond
	case 7:
		return limit.Period + time.Duration(random.IntN(3)-1)*time.Microsecond
	case 8:
		return 2 * limit.Period
	case 9:
		return -time.Duration(random.Int64N(3 * int64(limit.Period)))
	default:
		return time.Duration(random.Int64N(3 * interval))
	}
}

// randomCall is what is asked: mostly one event, else any cost up to the limit, a Peek or a Reset.
func randomCall(random *rand.Rand, capacity int64) func(*subject) algorithms.Result {
	n := int64(1)
	switch random.IntN(30) {
	case 0:
		return func(s *subject) algorithms.Result { return s.peek("k") }
	case 1:
		return func(s *subject) algorithms.Result {
			if err := s.Reset(context.Background(), "k"); err != nil {
				s.t.Fatal(err)
			}
			return algorithms.Result{}
		}
	case 2, 3, 4, 5, 6, 7, 8, 9:
		n = 1 + random.Int64N(capacity)
	}
	return func(s *subject) algorithms.Result { return s.ask("k", n) }
}

func changeBoth(t *testing.T, s *suite, l, reference algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, algorithms.Limiter) {
	t.Helper()
	changed, err := s.change(l, limit)
	if err != nil {
		t.Fatal(err)
	}
	changedReference, err := s.referenceChange(reference, limit)
	if err != nil {
		t.Fatal(err)
	}
	return changed, changedReference
}

// nobody is the reference where there is none.
type nobody struct{}

func (nobody) Allow(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (nobody) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (nobody) Peek(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (nobody) Reset(context.Context, string) error { return nil }

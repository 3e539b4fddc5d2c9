package limitertest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// testRandomTraces compares the limiter with the reference over random programs.
func testRandomTraces(t *testing.T, s *suite) {
	if s.reference == nil {
		return
	}
	const traces, requests = 24, 100
	for i := range traces {
		random := rand.New(rand.NewPCG(0x77656972, uint64(i)))
		program := make([]byte, 3*requests)
		for j := range program {
			program[j] = byte(random.Uint32())
		}
		s.replay(t, s.fitting(limits[random.IntN(len(limits))]), program)
	}
}

// Replay reads a program as requests and movements of the clock. It gives them to the limiter and to the reference (see
// [Against]) on one clock, and fails the test if two answers differ in any field. Any bytes are a program, three for each
// request, so that fuzzers can write them. A program has different costs, Peeks, Resets, clocks that go back and, with
// [Changing], changes of the limit.
func Replay(t testing.TB, factory Factory, limit algorithms.Limit, program []byte, opts ...Option) {
	t.Helper()
	made(factory, opts).replay(t, limit, program)
}

func (s *suite) replay(t testing.TB, limit algorithms.Limit, program []byte) {
	t.Helper()
	l := s.subject(t, limit)
	reference := s.companion(t, l, limit)
	for request := 0; len(program) >= 3; request++ {
		what, a, b := program[0], program[1], program[2]
		program = program[3:]
		moved := step(limit, what%16, a)
		// The clock stays in the years that limiters can compute with.
		if at := l.Now().Add(moved); at.Year() < 1990 || at.Year() > 2100 {
			moved = 0
		}
		l.Advance(moved)
		if what/16 == 0 && s.change != nil {
			// The Period doesn't change, because it isn't defined when a log forgets entries that have expired.
			limit = algorithms.Per(1+int64(b), limit.Period)
			l.Limiter, reference.Limiter = s.changeBoth(t, l.Limiter, reference.Limiter, limit)
		}
		capacity := limit.BurstOrRate()
		got, want := ask(l, what/16, b, capacity), ask(reference, what/16, b, capacity)
		if got != want {
			t.Fatalf("request %d (%v, the clock moved by %v, call %d/%d): %+v, the reference says %+v",
				request, limit, moved, what/16, b, got, want)
		}
	}
}

// step returns how far the clock moves: up to three emission intervals, not at all, a microsecond, about one or two Periods,
// or back by up to three Periods.
func step(limit algorithms.Limit, what, a byte) time.Duration {
	interval := max(limit.Period/time.Duration(limit.Rate), time.Microsecond)
	period := min(limit.Period, 1<<50*time.Nanosecond)
	switch what {
	case 0, 1, 2, 3:
		return 0
	case 4, 5:
		return time.Microsecond
	case 6:
		return period + time.Duration(int(a)%3-1)*time.Microsecond
	case 7:
		return 2 * period
	case 8:
		return -period / 85 * time.Duration(a) // up to three periods
	default:
		return interval / 85 * time.Duration(a)
	}
}

// ask asks for one event, for more, or for a Peek or a Reset.
func ask(s *subject, what, b byte, capacity int64) algorithms.Result {
	s.t.Helper()
	switch what {
	case 1:
		return s.peekN("k", 1+int64(b)%capacity)
	case 2:
		if b%4 == 0 {
			if err := s.Reset(context.Background(), "k"); err != nil {
				s.t.Fatal(err)
			}
			return algorithms.Result{}
		}
	case 3, 4, 5, 6:
		return s.ask("k", 1+(capacity-1)/255*int64(b)+(capacity-1)%255*int64(b)/255)
	case 7, 8:
		return s.ask("k", 1+int64(b)%capacity)
	}
	return s.ask("k", 1)
}

func (s *suite) changeBoth(t testing.TB, l, reference algorithms.Limiter, limit algorithms.Limit) (changed, changedReference algorithms.Limiter) {
	t.Helper()
	changed, err := s.change(l, limit)
	if err != nil {
		t.Fatal(err)
	}
	changedReference, err = s.referenceChange(reference, limit)
	if err != nil {
		t.Fatal(err)
	}
	return changed, changedReference
}

// Saturate asks for single events of one key n times, step apart, and returns how many were
// admitted. The limiter must be on clock.
func Saturate(t testing.TB, l algorithms.Limiter, clock *Clock, n int, step time.Duration) (admitted int64) {
	t.Helper()
	ctx := context.Background()
	for range n {
		r, err := l.Allow(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		if r.Allowed {
			admitted++
		}
		clock.Advance(step)
	}
	return admitted
}

// noReference stands in for the reference if there is none.
type noReference struct{}

func (noReference) Allow(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (noReference) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (noReference) Peek(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (noReference) PeekN(context.Context, string, int64) (algorithms.Result, error) {
	return algorithms.Result{}, nil
}

func (noReference) Reset(context.Context, string) error { return nil }

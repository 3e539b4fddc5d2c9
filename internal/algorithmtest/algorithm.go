// Package algorithmtest has the tests that the four algorithms have in common: each runs the same
// suites, comparisons and fuzzers over its own New and NewLocal.
package algorithmtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// An Algorithm has the functions that make and change an algorithm's limiters, on a server and in this process.
type Algorithm struct {
	Over        func(run scripts.Runner) limitertest.Factory // New
	Local       limitertest.Factory                          // NewLocal
	Change      limitertest.Change                           // Limiter.With
	ChangeLocal limitertest.Change                           // Local.With
}

// limited is a limiter that has a method Limit.
type limited interface{ Limit() algorithms.Limit }

// Of returns the Algorithm that makes limiters by newRemote and newLocal, with the options own. R and L are the types of
// their options.
func Of[R, L any](
	newRemote func(scripts.Runner, algorithms.Limit, ...R) (*algorithms.Remote, error),
	newLocal func(algorithms.Limit, ...L) (*algorithms.Local, error),
	own ...R,
) Algorithm {
	return Algorithm{
		Over: func(run scripts.Runner) limitertest.Factory {
			return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
				return newRemote(run, limit, append(as[R](opts), own...)...)
			}
		},
		Local: func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
			return newLocal(limit, append(as[L](opts), as[L](own)...)...)
		},
		Change: func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
			return l.(*algorithms.Remote).With(limit)
		},
		ChangeLocal: func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
			return l.(*algorithms.Local).With(limit)
		},
	}
}

// as converts options to another interface that they implement; a nil option stays nil.
func as[To, From any](opts []From) []To {
	converted := make([]To, len(opts))
	for i, opt := range opts {
		if any(opt) != nil {
			converted[i] = any(opt).(To)
		}
	}
	return converted
}

// Bursts reports whether the algorithm takes limits with a burst.
func (a Algorithm) Bursts() bool {
	_, err := a.Local(algorithms.PerSecond(2).WithBurst(1))
	return err == nil
}

// Fitting returns the limit, without its burst if the algorithm takes none.
func (a Algorithm) Fitting(limit algorithms.Limit) algorithms.Limit {
	if !a.Bursts() {
		limit.Burst = 0
	}
	return limit
}

// Compared returns the options with which limiters over a server are compared with Local.
func (a Algorithm) Compared() []limitertest.Option {
	return []limitertest.Option{limitertest.Against(a.Local), limitertest.Changing(a.Change, a.ChangeLocal), limitertest.Reserving()}
}

// Conformance runs the suite over Local, and over the scripts on an embedded server.
func (a Algorithm) Conformance(t *testing.T) {
	t.Run("Local", func(t *testing.T) {
		limitertest.Run(t, a.Local, limitertest.Changing(a.ChangeLocal, a.ChangeLocal), limitertest.Reserving())
	})
	t.Run("miniredis", func(t *testing.T) {
		_, conn := resptest.Miniredis(t)
		limitertest.Run(t, a.Over(conn), append(a.Compared(), limitertest.StoredIn(conn))...)
	})
	t.Run("Nonsense", a.Nonsense)
	t.Run("Limit", a.tellsLimit)
	t.Run("NilRunner", func(t *testing.T) {
		for _, none := range []scripts.Runner{nil, (*resptest.Conn)(nil)} {
			if l, err := a.Over(none)(algorithms.PerSecond(1)); !errors.Is(err, algorithms.ErrNilRunner) {
				t.Errorf("%T: limiter %v, error %v, want ErrNilRunner", none, l, err)
			}
		}
	})
}

// tellsLimit checks that a limiter's Limit is exactly the one that its constructor or With was called with.
func (a Algorithm) tellsLimit(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	first, second := algorithms.PerMinute(60), a.Fitting(algorithms.PerSecond(7).WithBurst(3))
	for _, made := range []struct {
		factory limitertest.Factory
		change  limitertest.Change
	}{{a.Local, a.ChangeLocal}, {a.Over(conn), a.Change}} {
		limiter, err := made.factory(first)
		if err != nil {
			t.Fatal(err)
		}
		changed, err := made.change(limiter, second)
		if err != nil {
			t.Fatal(err)
		}
		if got, of := limiter.(limited).Limit(), changed.(limited).Limit(); got != first || of != second {
			t.Errorf("%T was made with %v and changed to %v; its Limit is %v, then %v", limiter, first, second, got, of)
		}
		local, err := changed.(interface {
			Local() (algorithms.Limiter, error)
		}).Local()
		if err != nil {
			t.Fatal(err)
		}
		if _, is := local.(*algorithms.Local); !is || local.(limited).Limit() != second {
			t.Errorf("Local of a %T is a %T of %v, want one of %v", changed, local, local.(limited).Limit(), second)
		}
	}
}

// Start is the time at which the clocks of these tests begin.
var Start = time.UnixMicro(1_795_363_671_123_457)

// OnClock makes a Local and the clock that it uses.
func (a Algorithm) OnClock(t testing.TB, limit algorithms.Limit) (algorithms.Limiter, *limitertest.Clock) {
	t.Helper()
	clock := limitertest.NewClock(Start)
	l, err := a.Local(limit, algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return l, clock
}

// A Definition decides by the definition of the algorithm. It computes the decisions in another way than the algorithm, and
// may be slow.
type Definition interface {
	// Decide decides on a request of cost n at the time now, in µs, which never goes back.
	Decide(now, n int64) algorithms.Result
}

// KeepsTo compares Local with the algorithm's definition over random requests.
func (a Algorithm) KeepsTo(t *testing.T, define func(algorithms.Limit) Definition) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := a.Fitting(algorithms.Limit{
			Rate:   rapid.Int64Range(1, 12).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 15).Draw(rt, "burst"),
		})
		l, clock := a.OnClock(t, limit)
		peeked, err := l.Peek(context.Background(), "k")
		if err != nil {
			rt.Fatal(err)
		}
		definition, now := define(limit), int64(0)
		for range rapid.IntRange(1, 80).Draw(rt, "requests") {
			step := rapid.Int64Range(0, 2+limit.Period.Microseconds()/2).Draw(rt, "step")
			clock.Advance(time.Duration(step) * time.Microsecond)
			now += step
			n := rapid.Int64Range(1, peeked.Limit).Draw(rt, "cost")
			got, err := l.AllowN(context.Background(), "k", n)
			if err != nil {
				rt.Fatal(err)
			}
			if want := definition.Decide(now, n); got != want {
				rt.Fatalf("%v at %d µs, cost %d: %+v, by the definition %+v", limit, now, n, got, want)
			}
		}
	})
}

// Saturated has limits whose emission interval isn't a whole number of microseconds. Requests that come a Step apart are
// more than the Limit admits. The Step divides the Period.
var Saturated = []struct {
	Limit algorithms.Limit
	Step  time.Duration
}{
	{algorithms.PerSecond(300_000).WithBurst(10), 2 * time.Microsecond},
	{algorithms.PerSecond(7), 1000 * time.Microsecond},
	{algorithms.PerSecond(3), 1000 * time.Microsecond},
	{algorithms.PerDay(999_983).WithBurst(10), 43_200 * time.Microsecond},
}

// Admits saturates each limit of Saturated with a million requests, and compares the number of admitted requests with the
// ideal one.
func (a Algorithm) Admits(t *testing.T, ideal func(limit algorithms.Limit, decisions int64, step time.Duration) int64) {
	const decisions = 1_000_000
	for _, s := range Saturated {
		s.Limit = a.Fitting(s.Limit)
		l, clock := a.OnClock(t, s.Limit)
		got, want := limitertest.Saturate(t, l, clock, decisions, s.Step), ideal(s.Limit, decisions, s.Step)
		if got < want-1 || got > want+1 {
			t.Errorf("%v: %d of %d admitted, want %d ± 1", s.Limit, got, decisions, want)
		}
	}
}

// AtARate returns the ideal count for an algorithm that keeps a rate: a burst, and the events that have come due since.
func AtARate(limit algorithms.Limit, decisions int64, step time.Duration) int64 {
	elapsed := (decisions - 1) * step.Microseconds()
	return limit.BurstOrRate() + elapsed*limit.Rate/limit.Period.Microseconds()
}

// EachPeriod returns the ideal count for an algorithm that admits the rate in each period: at the beginning of the period, as
// requests come more often than the rate.
func EachPeriod(limit algorithms.Limit, decisions int64, step time.Duration) int64 {
	requests := int64(limit.Period / step) // in each period
	return decisions/requests*limit.Rate + min(decisions%requests, limit.Rate)
}

package gcra_test

import (
	"context"
	"errors"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

func newLocal(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
	return gcra.NewLocal(limit, opts...)
}

func changeLocal(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*gcra.Local).With(limit)
}

func over(run scripts.Runner) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		return gcra.New(run, limit, opts...)
	}
}

func change(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*gcra.Limiter).With(limit)
}

func TestConformance(t *testing.T) {
	t.Run("Local", func(t *testing.T) {
		limitertest.Run(t, newLocal, limitertest.Changing(changeLocal, changeLocal))
	})
	t.Run("miniredis", func(t *testing.T) {
		_, conn := resptest.Miniredis(t)
		limitertest.Run(t, over(conn), limitertest.Against(newLocal), limitertest.Changing(change, changeLocal), limitertest.StoredIn(conn))
	})
}

func TestNilRunner(t *testing.T) {
	if l, err := gcra.New(nil, algorithms.PerSecond(1)); !errors.Is(err, algorithms.ErrNilRunner) || l != nil {
		t.Errorf("limiter %v, error %v, want ErrNilRunner", l, err)
	}
}

// local makes a Local on a clock of its own.
func local(t testing.TB, limit algorithms.Limit, opts ...algorithms.Option) (*gcra.Local, *limitertest.Clock) {
	t.Helper()
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	l, err := gcra.NewLocal(limit, append([]algorithms.Option{algorithms.WithClock(clock.Now)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return l, clock
}

// TestDefinition compares Local with the algorithm's definition, computed the long way round, over
// random requests.
func TestDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := algorithms.Limit{
			Rate:   rapid.Int64Range(1, 12).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 15).Draw(rt, "burst"),
		}
		l, clock := local(t, limit)
		oracle := newDefinition(limit)
		now := int64(0)
		for range rapid.IntRange(1, 80).Draw(rt, "requests") {
			step := rapid.Int64Range(0, 2+limit.Period.Microseconds()/2).Draw(rt, "step")
			clock.Advance(time.Duration(step) * time.Microsecond)
			now += step
			n := rapid.Int64Range(1, oracle.capacity).Draw(rt, "cost")
			got, err := l.AllowN(context.Background(), "k", n)
			if err != nil {
				rt.Fatal(err)
			}
			if want := oracle.decide(now, n); got != want {
				rt.Fatalf("%v at %d µs, cost %d: %+v, by the definition %+v", limit, now, n, got, want)
			}
		}
	})
}

// definition is the theoretical arrival time (ITU-T I.371) with rational numbers: no integer arithmetic to get wrong.
type definition struct {
	capacity int64
	interval *big.Rat // T, µs
	tat      *big.Rat
}

func newDefinition(limit algorithms.Limit) *definition {
	return &definition{limit.BurstOrRate(), big.NewRat(limit.Period.Microseconds(), limit.Rate), new(big.Rat)}
}

func (d *definition) decide(now, n int64) algorithms.Result {
	at := new(big.Rat).SetInt64(now)
	tat := d.tat
	if tat.Cmp(at) < 0 {
		tat = at
	}
	times := func(k int64) *big.Rat { return new(big.Rat).Mul(d.interval, new(big.Rat).SetInt64(k)) }
	after := new(big.Rat).Add(tat, times(n))
	excess := new(big.Rat).Sub(new(big.Rat).Sub(after, at), times(d.capacity))
	r := algorithms.Result{Limit: d.capacity, Allowed: excess.Sign() <= 0}
	if r.Allowed {
		tat, d.tat = after, after
	} else {
		r.RetryAfter = roundUp(excess)
	}
	ahead := new(big.Rat).Sub(tat, at)
	r.ResetAfter = roundUp(ahead)
	free := new(big.Rat).Quo(new(big.Rat).Sub(times(d.capacity), ahead), d.interval)
	r.Remaining = new(big.Int).Div(free.Num(), free.Denom()).Int64()
	return r
}

func roundUp(us *big.Rat) time.Duration {
	negated := new(big.Int).Div(new(big.Int).Neg(us.Num()), us.Denom())
	return time.Duration(-negated.Int64()) * time.Microsecond
}

// TestNoDrift saturates limits whose emission interval is no whole microsecond over a million
// decisions: the count admitted is the ideal one.
func TestNoDrift(t *testing.T) {
	const decisions = 1_000_000
	for _, run := range []struct {
		limit algorithms.Limit
		step  time.Duration
	}{
		{algorithms.PerSecond(300_000).WithBurst(10), 1 * time.Microsecond},
		{algorithms.PerSecond(7), 1000 * time.Microsecond},
		{algorithms.PerSecond(3), 1000 * time.Microsecond},
		{algorithms.PerDay(999_983).WithBurst(10), 43_200 * time.Microsecond},
	} {
		l, clock := local(t, run.limit)
		got := limitertest.Saturate(t, l, clock, decisions, run.step)
		elapsed := int64(decisions-1) * run.step.Microseconds()
		ideal := run.limit.BurstOrRate() + elapsed*run.limit.Rate/run.limit.Period.Microseconds()
		if got < ideal-1 || got > ideal+1 {
			t.Errorf("%v: %d of %d admitted, want %d ± 1", run.limit, got, decisions, ideal)
		}
	}
}

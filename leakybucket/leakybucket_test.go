package leakybucket_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
)

func newLocal(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
	return leakybucket.NewLocal(limit, opts...)
}

func changeLocal(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*leakybucket.Local).With(limit)
}

func over(run scripts.Runner) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		return leakybucket.New(run, limit, opts...)
	}
}

func change(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*leakybucket.Limiter).With(limit)
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
	if l, err := leakybucket.New(nil, algorithms.PerSecond(1)); !errors.Is(err, algorithms.ErrNilRunner) || l != nil {
		t.Errorf("limiter %v, error %v, want ErrNilRunner", l, err)
	}
}

// local makes a Local on a clock of its own.
func local(t testing.TB, limit algorithms.Limit, opts ...algorithms.Option) (*leakybucket.Local, *limitertest.Clock) {
	t.Helper()
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	l, err := leakybucket.NewLocal(limit, append([]algorithms.Option{algorithms.WithClock(clock.Now)}, opts...)...)
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

// definition is a bucket that drains by a fraction of an event each microsecond and overflows above
// its capacity, in units of 1/period events.
type definition struct {
	capacity, rate, period int64
	level, at              int64 // level in 1/period events
}

func newDefinition(limit algorithms.Limit) *definition {
	return &definition{capacity: limit.BurstOrRate(), rate: limit.Rate, period: limit.Period.Microseconds()}
}

func (d *definition) decide(now, n int64) algorithms.Result {
	level := max(d.level-(now-d.at)*d.rate, 0)
	over := level + (n-d.capacity)*d.period
	r := algorithms.Result{Limit: d.capacity, Allowed: over <= 0}
	if r.Allowed {
		level += n * d.period
		d.level, d.at = level, now
	} else {
		r.RetryAfter = d.toDrain(over)
	}
	r.ResetAfter = d.toDrain(level)
	r.Remaining = (d.capacity*d.period - level) / d.period
	return r
}

// toDrain is how long a level takes to drain, rounded up to a microsecond.
func (d *definition) toDrain(level int64) time.Duration {
	return time.Duration((level+d.rate-1)/d.rate) * time.Microsecond
}

// TestMeterIsGCRA states the theorem: the meter, which keeps a level that drains (the continuous-state
// leaky bucket), and GCRA, which keeps a theoretical arrival time (virtual scheduling), give the same
// answers to the same requests. Level × emission interval = theoretical arrival time − now.
func TestMeterIsGCRA(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := algorithms.Limit{
			Rate:   rapid.Int64Range(1, 1_000_000).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 100_000_000).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 50).Draw(rt, "burst"),
		}
		program := rapid.SliceOfN(rapid.Byte(), 3, 300).Draw(rt, "program")
		limitertest.Replay(t, newLocal, limit, program,
			limitertest.Against(func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
				return gcra.NewLocal(limit, opts...)
			}),
			limitertest.Changing(changeLocal, func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
				return l.(*gcra.Local).With(limit)
			}))
	})
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

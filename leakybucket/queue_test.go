package leakybucket_test

import (
	"context"
	"errors"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/leakybucket/queuetest"
)

func TestQueueConformance(t *testing.T) {
	t.Run("Local", func(t *testing.T) { queuetest.Run(t, queuetest.Reference) })
	t.Run("miniredis", func(t *testing.T) {
		_, conn := resptest.Miniredis(t)
		queuetest.Run(t, queuetest.Subject{
			New: func(limit algorithms.Limit, opts ...algorithms.Option) (queuetest.Queue, error) {
				return leakybucket.NewQueue(conn, limit, opts...)
			},
			With: func(q queuetest.Queue, limit algorithms.Limit) (queuetest.Queue, error) {
				return q.(*leakybucket.Queue).With(limit)
			},
			Store: conn,
		})
	})
}

func TestQueueNilRunner(t *testing.T) {
	if q, err := leakybucket.NewQueue(nil, algorithms.PerSecond(1)); !errors.Is(err, algorithms.ErrNilRunner) || q != nil {
		t.Errorf("queue %v, error %v, want ErrNilRunner", q, err)
	}
}

// TestQueueAndMeterApart: a queue and a meter of the same KEY don't affect each other.
func TestQueueAndMeterApart(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	meter, err := leakybucket.New(conn, algorithms.PerHour(1))
	if err != nil {
		t.Fatal(err)
	}
	queue, err := leakybucket.NewQueue(conn, algorithms.PerHour(1))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := meter.Allow(context.Background(), "k"); err != nil || !r.Allowed {
		t.Errorf("meter: %+v, %v", r, err)
	}
	if slot, err := queue.Schedule(context.Background(), "k"); err != nil || slot.Delay != 0 {
		t.Errorf("queue: %+v, %v", slot, err)
	}
}

// TestQueueDefinition compares LocalQueue with departure times kept as rational numbers, and the
// waiting requests counted one by one.
func TestQueueDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := algorithms.Limit{
			Rate:   rapid.Int64Range(1, 12).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 9).Draw(rt, "burst"),
		}
		clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
		q, err := leakybucket.NewLocalQueue(limit, algorithms.WithClock(clock.Now))
		if err != nil {
			rt.Fatal(err)
		}
		interval := big.NewRat(limit.Period.Microseconds(), limit.Rate)
		var departures []*big.Rat
		now := int64(0)
		for range rapid.IntRange(1, 60).Draw(rt, "requests") {
			step := rapid.Int64Range(0, 2+limit.Period.Microseconds()/3).Draw(rt, "step")
			clock.Advance(time.Duration(step) * time.Microsecond)
			now += step
			at := new(big.Rat).SetInt64(now)
			departure, waiting := at, int64(0)
			for _, d := range departures {
				if d.Cmp(at) > 0 {
					waiting++
				}
				if free := new(big.Rat).Add(d, interval); free.Cmp(departure) > 0 {
					departure = free
				}
			}
			wait := new(big.Rat).Sub(departure, at)
			excess := new(big.Rat).Sub(wait, new(big.Rat).Mul(interval, new(big.Rat).SetInt64(limit.BurstOrRate())))
			want := leakybucket.Slot{Accepted: excess.Sign() <= 0, Delay: ceil(wait), Queued: waiting}
			if !want.Accepted {
				want.RetryAfter = ceil(excess)
			} else if departures = append(departures, departure); wait.Sign() > 0 {
				want.Queued++
			}
			got, err := q.Schedule(context.Background(), "k")
			if err != nil {
				rt.Fatal(err)
			}
			if got != want {
				rt.Fatalf("%v at %d µs: %+v, by the definition %+v", limit, now, got, want)
			}
		}
	})
}

// ceil rounds up to a whole microsecond.
func ceil(us *big.Rat) time.Duration {
	negated := new(big.Int).Div(new(big.Int).Neg(us.Num()), us.Denom())
	return time.Duration(-negated.Int64()) * time.Microsecond
}

// TestQueueNoDrift keeps a queue full over a million requests. The number of accepted requests is the ideal one.
func TestQueueNoDrift(t *testing.T) {
	const requests = 1_000_000
	for _, run := range []struct {
		limit algorithms.Limit
		step  time.Duration
	}{
		{algorithms.PerSecond(300_000).WithBurst(10), 1 * time.Microsecond},
		{algorithms.PerSecond(7), 1000 * time.Microsecond},
		{algorithms.PerSecond(3), 1000 * time.Microsecond},
		{algorithms.PerDay(999_983).WithBurst(10), 43_200 * time.Microsecond},
	} {
		clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
		q, err := leakybucket.NewLocalQueue(run.limit, algorithms.WithClock(clock.Now))
		if err != nil {
			t.Fatal(err)
		}
		accepted := int64(0)
		for range requests {
			slot, err := q.Schedule(context.Background(), "k")
			if err != nil {
				t.Fatal(err)
			}
			if slot.Accepted {
				accepted++
			}
			clock.Advance(run.step)
		}
		elapsed := (requests - 1) * run.step.Microseconds()
		ideal := 1 + run.limit.BurstOrRate() + elapsed*run.limit.Rate/run.limit.Period.Microseconds()
		if accepted < ideal-1 || accepted > ideal+1 {
			t.Errorf("%v: %d of %d accepted, want %d ± 1", run.limit, accepted, requests, ideal)
		}
	}
}

// TestQueueLimit: a queue's Limit is the one that its constructor or With was called with.
func TestQueueLimit(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	first, second := algorithms.PerMinute(60), algorithms.PerSecond(7).WithBurst(3)
	queue, err := leakybucket.NewQueue(conn, first)
	if err != nil {
		t.Fatal(err)
	}
	local, err := leakybucket.NewLocalQueue(first)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := queue.With(second)
	if err != nil {
		t.Fatal(err)
	}
	changedLocal, err := local.With(second)
	if err != nil {
		t.Fatal(err)
	}
	if queue.Limit() != first || local.Limit() != first || changed.Limit() != second || changedLocal.Limit() != second {
		t.Errorf("limits are %v, %v, then %v, %v", queue.Limit(), local.Limit(), changed.Limit(), changedLocal.Limit())
	}
}

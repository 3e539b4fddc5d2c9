package fixedwindow_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

func newLocal(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
	return fixedwindow.NewLocal(limit, opts...)
}

func changeLocal(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*fixedwindow.Local).With(limit)
}

func over(run scripts.Runner) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		return fixedwindow.New(run, limit, opts...)
	}
}

func change(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*fixedwindow.Limiter).With(limit)
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
	if l, err := fixedwindow.New(nil, algorithms.PerSecond(1)); !errors.Is(err, algorithms.ErrNilRunner) || l != nil {
		t.Errorf("limiter %v, error %v, want ErrNilRunner", l, err)
	}
}

// local makes a Local on a clock of its own.
func local(t testing.TB, limit algorithms.Limit, opts ...algorithms.Option) (*fixedwindow.Local, *limitertest.Clock) {
	t.Helper()
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	l, err := fixedwindow.NewLocal(limit, append([]algorithms.Option{algorithms.WithClock(clock.Now)}, opts...)...)
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

// definition lists what the open window has admitted.
type definition struct {
	capacity, period int64
	open             int64   // when the window opened
	admitted         []int64 // one for each event, the time
}

func newDefinition(limit algorithms.Limit) *definition {
	return &definition{capacity: limit.Rate, period: limit.Period.Microseconds()}
}

func (d *definition) decide(now, n int64) algorithms.Result {
	if len(d.admitted) > 0 && now >= d.open+d.period {
		d.admitted = nil
	}
	r := algorithms.Result{Limit: d.capacity, Allowed: int64(len(d.admitted))+n <= d.capacity}
	if r.Allowed {
		if len(d.admitted) == 0 {
			d.open = now
		}
		for range n {
			d.admitted = append(d.admitted, now)
		}
	}
	r.Remaining = d.capacity - int64(len(d.admitted))
	r.ResetAfter = time.Duration(d.open+d.period-now) * time.Microsecond
	if !r.Allowed {
		r.RetryAfter = r.ResetAfter
	}
	return r
}

// TestAligned: windows begin at whole minutes since the epoch, for every key and whenever asked.
func TestAligned(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	clock := limitertest.NewClock(time.Date(2026, 3, 1, 12, 0, 48, 1000, time.UTC)) // 11.999999 s to go
	onRedis, err := fixedwindow.New(conn, algorithms.PerMinute(2), fixedwindow.Aligned(), algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	inProcess, err := fixedwindow.NewLocal(algorithms.PerMinute(2), fixedwindow.Aligned(), algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	toGo := 12*time.Second - time.Microsecond
	for name, l := range map[string]algorithms.Limiter{"Limiter": onRedis, "Local": inProcess} {
		clock := clock.Now()
		for i, want := range []algorithms.Result{
			{Allowed: true, Limit: 2, Remaining: 1, ResetAfter: toGo},
			{Allowed: true, Limit: 2, ResetAfter: toGo},
			{Limit: 2, RetryAfter: toGo, ResetAfter: toGo},
		} {
			if r, err := l.Allow(context.Background(), "k"); err != nil || r != want {
				t.Errorf("%s, request %d at %v: %+v, %v, want %+v", name, i+1, clock, r, err, want)
			}
		}
	}
	clock.Advance(toGo)
	for name, l := range map[string]algorithms.Limiter{"Limiter": onRedis, "Local": inProcess} {
		want := algorithms.Result{Allowed: true, Limit: 2, Remaining: 0, ResetAfter: time.Minute}
		if r, err := l.AllowN(context.Background(), "k", 2); err != nil || r != want {
			t.Errorf("%s, at the full minute: %+v, %v, want %+v", name, r, err, want)
		}
	}
	clock.Advance(-time.Hour)
	for name, l := range map[string]algorithms.Limiter{"Limiter": onRedis, "Local": inProcess} {
		if r, err := l.Allow(context.Background(), "k"); err != nil || r.RetryAfter != time.Minute {
			t.Errorf("%s, an hour back: %+v, %v, want a minute to wait", name, r, err)
		}
	}
	clock.Advance(time.Minute)
	for name, l := range map[string]algorithms.Limiter{"Limiter": onRedis, "Local": inProcess} {
		if r, err := l.Allow(context.Background(), "k"); err != nil || !r.Allowed {
			t.Errorf("%s, a minute later: %+v, %v, want it allowed", name, r, err)
		}
	}
}

// TestAlignedConformance runs the suite over aligned windows.
func TestAlignedConformance(t *testing.T) {
	aligned := func(factory limitertest.Factory) limitertest.Factory {
		return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
			return factory(limit, append(opts, fixedwindow.Aligned())...)
		}
	}
	_, conn := resptest.Miniredis(t)
	limitertest.Run(t, aligned(over(conn)), limitertest.Against(aligned(newLocal)),
		limitertest.Changing(change, changeLocal), limitertest.StoredIn(conn))
}

// TestTwiceTheRateAcrossAnEdge shows the worst case that the package's documentation names.
func TestTwiceTheRateAcrossAnEdge(t *testing.T) {
	l, clock := local(t, algorithms.PerMinute(10))
	ask := func(n int64) bool {
		t.Helper()
		r, err := l.AllowN(context.Background(), "k", n)
		if err != nil {
			t.Fatal(err)
		}
		return r.Allowed
	}
	first := ask(1)
	clock.Advance(time.Minute - time.Microsecond)
	before := ask(9)
	clock.Advance(time.Microsecond)
	after := ask(10)
	if !first || !before || !after || ask(1) {
		t.Error("want 19 admitted within two microseconds of an edge, and no more")
	}
}

// TestNoDrift saturates limits over two million decisions, whole periods: each admits the rate.
func TestNoDrift(t *testing.T) {
	const decisions = 2_000_000
	for _, run := range []struct {
		limit algorithms.Limit
		step  time.Duration
	}{
		{algorithms.PerSecond(300_000), 2 * time.Microsecond},
		{algorithms.PerSecond(7), 1000 * time.Microsecond},
		{algorithms.PerSecond(3), 1000 * time.Microsecond},
		{algorithms.PerDay(999_983), 43_200 * time.Microsecond},
	} {
		l, clock := local(t, run.limit)
		got := limitertest.Saturate(t, l, clock, decisions, run.step)
		if ideal := run.limit.Rate * int64(decisions*run.step/run.limit.Period); got != ideal {
			t.Errorf("%v: %d of %d admitted, want %d", run.limit, got, decisions, ideal)
		}
	}
}

package slidinglog_test

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
	"github.com/go-weir/weir/slidinglog"
)

func newLocal(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
	return slidinglog.NewLocal(limit, opts...)
}

func changeLocal(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*slidinglog.Local).With(limit)
}

func over(run scripts.Runner) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		return slidinglog.New(run, limit, opts...)
	}
}

func change(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*slidinglog.Limiter).With(limit)
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
	if l, err := slidinglog.New(nil, algorithms.PerSecond(1)); !errors.Is(err, algorithms.ErrNilRunner) || l != nil {
		t.Errorf("limiter %v, error %v, want ErrNilRunner", l, err)
	}
}

// local makes a Local on a clock of its own.
func local(t testing.TB, limit algorithms.Limit, opts ...algorithms.Option) (*slidinglog.Local, *limitertest.Clock) {
	t.Helper()
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	l, err := slidinglog.NewLocal(limit, append([]algorithms.Option{algorithms.WithClock(clock.Now)}, opts...)...)
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

// definition lists every event admitted, and looks at all of them each time.
type definition struct {
	capacity, period int64
	admitted         []int64
}

func newDefinition(limit algorithms.Limit) *definition {
	return &definition{capacity: limit.Rate, period: limit.Period.Microseconds()}
}

// used is how many events the period up to now holds; an entry exactly a period old has gone.
func (d *definition) used(now int64) (n int64) {
	for _, at := range d.admitted {
		if at+d.period > now {
			n++
		}
	}
	return n
}

func (d *definition) decide(now, n int64) algorithms.Result {
	used := d.used(now)
	r := algorithms.Result{Limit: d.capacity, Allowed: used+n <= d.capacity}
	if r.Allowed {
		for range n {
			d.admitted = append(d.admitted, now)
		}
	} else {
		later := now
		for d.used(later)+n > d.capacity {
			later++
		}
		r.RetryAfter = time.Duration(later-now) * time.Microsecond
	}
	r.Remaining = d.capacity - d.used(now)
	empty := now
	for d.used(empty) > 0 {
		empty++
	}
	r.ResetAfter = time.Duration(empty-now) * time.Microsecond
	return r
}

func TestLimitsOfTheLog(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for _, limit := range []algorithms.Limit{
		algorithms.PerSecond(1<<46 + 1),
		algorithms.Per(1, 1<<46*time.Microsecond+time.Microsecond),
	} {
		if _, err := over(conn)(limit); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%v: New gives %v, want ErrInvalidLimit", limit, err)
		}
		if _, err := newLocal(limit); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%v: NewLocal gives %v, want ErrInvalidLimit", limit, err)
		}
	}
}

// TestWidths changes the limit across 2^23, where entries get wider counts, back and forth on a live
// log, in steps that make a count of 24 bits run over.
func TestWidths(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	var onRedis, inProcess algorithms.Limiter
	var err error
	if onRedis, err = over(conn)(algorithms.PerMinute(100), algorithms.WithClock(clock.Now)); err != nil {
		t.Fatal(err)
	}
	if inProcess, err = newLocal(algorithms.PerMinute(100), algorithms.WithClock(clock.Now)); err != nil {
		t.Fatal(err)
	}
	rates := []int64{100, 1<<23 - 1, 1 << 23, 1 << 30, 1<<24 + 7, 5000, 1 << 46, 1<<23 - 1, 3}
	for i := range 400 {
		rate := rates[(i/7)%len(rates)]
		if onRedis, err = change(onRedis, algorithms.PerMinute(rate)); err != nil {
			t.Fatal(err)
		}
		if inProcess, err = changeLocal(inProcess, algorithms.PerMinute(rate)); err != nil {
			t.Fatal(err)
		}
		n := max(rate/int64(1+i%5), 1)
		got, err := onRedis.AllowN(context.Background(), "k", n)
		want, localErr := inProcess.AllowN(context.Background(), "k", n)
		if err != nil || localErr != nil || got != want {
			t.Fatalf("request %d, rate %d, cost %d: %+v, %v, in process %+v, %v", i, rate, n, got, err, want, localErr)
		}
		clock.Advance(time.Duration(i%11) * time.Second)
		if i%50 == 49 {
			clock.Advance(-20 * time.Second)
		}
	}
}

// TestIdleForYears: times in entries are cut to 48 bits, nine years; a log that nobody has asked for
// longer than that (which only a simulation can keep) is empty all the same.
func TestIdleForYears(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for _, idle := range []time.Duration{1 << 46, 1 << 47, 1<<48 - 1, 1 << 48, 1<<48 + 30_000_000, 3 << 48} {
		clock := limitertest.NewClock(time.UnixMicro(1_000_000_000_000_000))
		l, err := over(conn)(algorithms.PerMinute(1), algorithms.WithClock(clock.Now))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if r, err := l.Allow(context.Background(), "k"); err != nil || !r.Allowed {
				t.Errorf("%v later: %+v, %v, want it allowed", idle*time.Microsecond, r, err)
			}
			clock.Advance(idle * time.Microsecond)
		}
		if err := l.Reset(context.Background(), "k"); err != nil {
			t.Fatal(err)
		}
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

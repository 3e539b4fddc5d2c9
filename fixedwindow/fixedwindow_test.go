package fixedwindow_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
)

var algorithm = algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal)

func TestConformance(t *testing.T) { algorithm.Conformance(t) }

func TestDefinition(t *testing.T) { algorithm.KeepsTo(t, define) }

func TestNoDrift(t *testing.T) { algorithm.Admits(t, algorithmtest.EachPeriod) }

// definition lists the requests that the open window has admitted.
type definition struct {
	capacity, period int64
	open             int64   // when the window opened
	admitted         []int64 // the time of each event
}

func define(limit algorithms.Limit) algorithmtest.Definition {
	return &definition{capacity: limit.Rate, period: limit.Period.Microseconds()}
}

func (d *definition) Decide(now, n int64) algorithms.Result {
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

// TestAligned: windows begin at whole minutes since the epoch, for every key and at any time.
func TestAligned(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	clock := limitertest.NewClock(time.Date(2026, 3, 1, 12, 0, 48, 1000, time.UTC)) // 11.999999 s before the next minute
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
	algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()).Conformance(t)
}

// TestTwiceTheRateAcrossAnEdge shows the worst case that the package's documentation names.
func TestTwiceTheRateAcrossAnEdge(t *testing.T) {
	l, clock := algorithm.OnClock(t, algorithms.PerMinute(10))
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

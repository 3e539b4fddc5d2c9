package slidinglog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/slidinglog"
)

var algorithm = algorithmtest.Of(slidinglog.New, slidinglog.NewLocal)

func TestConformance(t *testing.T) { algorithm.Conformance(t) }

func TestDefinition(t *testing.T) { algorithm.KeepsTo(t, define) }

func TestNoDrift(t *testing.T) { algorithm.Admits(t, algorithmtest.EachPeriod) }

// definition lists every admitted event, and checks all of them each time.
type definition struct {
	capacity, period int64
	admitted         []int64
}

func define(limit algorithms.Limit) algorithmtest.Definition {
	return &definition{capacity: limit.Rate, period: limit.Period.Microseconds()}
}

// used returns how many events the period up to now has. An entry that is exactly a period old doesn't count.
func (d *definition) used(now int64) (n int64) {
	for _, at := range d.admitted {
		if at+d.period > now {
			n++
		}
	}
	return n
}

func (d *definition) Decide(now, n int64) algorithms.Result {
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
		if _, err := algorithm.Over(conn)(limit); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%v: New gives %v, want ErrInvalidLimit", limit, err)
		}
		if _, err := algorithm.Local(limit); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%v: NewLocal gives %v, want ErrInvalidLimit", limit, err)
		}
	}
}

// TestWidths changes the limit across 2^23, from which on entries have wider counts, back and forth on a
// log in use, in steps that make a count of 24 bits overflow.
func TestWidths(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	var onRedis, inProcess algorithms.Limiter
	var err error
	if onRedis, err = algorithm.Over(conn)(algorithms.PerMinute(100), algorithms.WithClock(clock.Now)); err != nil {
		t.Fatal(err)
	}
	if inProcess, err = algorithm.Local(algorithms.PerMinute(100), algorithms.WithClock(clock.Now)); err != nil {
		t.Fatal(err)
	}
	rates := []int64{100, 1<<23 - 1, 1 << 23, 1 << 30, 1<<24 + 7, 5000, 1 << 46, 1<<23 - 1, 3}
	for i := range 400 {
		rate := rates[(i/7)%len(rates)]
		if onRedis, err = algorithm.Change(onRedis, algorithms.PerMinute(rate)); err != nil {
			t.Fatal(err)
		}
		if inProcess, err = algorithm.ChangeLocal(inProcess, algorithms.PerMinute(rate)); err != nil {
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

// TestIdleForYears: times in entries have 48 bits, which is nine years. A log without requests for longer than that is
// empty. (Such a log can only exist under simulated time.)
func TestIdleForYears(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for _, idle := range []time.Duration{1 << 46, 1 << 47, 1<<48 - 1, 1 << 48, 1<<48 + 30_000_000, 3 << 48} {
		clock := limitertest.NewClock(time.UnixMicro(1_000_000_000_000_000))
		l, err := algorithm.Over(conn)(algorithms.PerMinute(1), algorithms.WithClock(clock.Now))
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

package leakybucket_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/leakybucket"
)

var algorithm = algorithmtest.Of(leakybucket.New, leakybucket.NewLocal)

func TestConformance(t *testing.T) { algorithm.Conformance(t) }

func TestDefinition(t *testing.T) { algorithm.KeepsTo(t, define) }

func TestNoDrift(t *testing.T) { algorithm.Admits(t, algorithmtest.AtARate) }

// definition is a bucket that drains by a fraction of an event each microsecond and overflows above
// its capacity, in units of 1/period events.
type definition struct {
	capacity, rate, period int64
	level, at              int64 // level in 1/period events
}

func define(limit algorithms.Limit) algorithmtest.Definition {
	return &definition{capacity: limit.BurstOrRate(), rate: limit.Rate, period: limit.Period.Microseconds()}
}

func (d *definition) Decide(now, n int64) algorithms.Result {
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

// toDrain returns how long a level takes to drain, rounded up to a microsecond.
func (d *definition) toDrain(level int64) time.Duration {
	return time.Duration((level+d.rate-1)/d.rate) * time.Microsecond
}

// TestMeterIsGCRA tests a theorem: the meter, which keeps a level that drains (the continuous-state
// leaky bucket), and GCRA, which keeps a theoretical arrival time (virtual scheduling), give the same
// answers to the same requests. Level × emission interval = theoretical arrival time − now.
func TestMeterIsGCRA(t *testing.T) {
	other := algorithmtest.Of(gcra.New, gcra.NewLocal)
	rapid.Check(t, func(rt *rapid.T) {
		limit := algorithms.Limit{
			Rate:   rapid.Int64Range(1, 1_000_000).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 100_000_000).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 50).Draw(rt, "burst"),
		}
		program := rapid.SliceOfN(rapid.Byte(), 3, 300).Draw(rt, "program")
		limitertest.Replay(t, algorithm.Local, limit, program,
			limitertest.Against(other.Local), limitertest.Changing(algorithm.ChangeLocal, other.ChangeLocal))
	})
}

package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/trace"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// server starts a miniredis for the test.
func server(t *testing.T) (*miniredis.Miniredis, scripts.Runner) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ReadTimeout: time.Minute})
	t.Cleanup(func() { client.Close() })
	return server, errtest.Must(goredisrunner.New(client))
}

// TestBuiltinTraces checks the numbers that the built-in traces are meant to show.
func TestBuiltinTraces(t *testing.T) {
	type line struct {
		admitted, denied, delayed int
		most                      int64
	}
	want := map[string][]line{ // fixedwindow, slidinglog, gcra with leakybucket, queue, and allof if there is a second limit
		// 16 bursts of 10 under 10/s. The queue delays all but the first of each. The window of 60/minute has room for the
		// first six bursts, and the next window for the six from 60 s on.
		"bursts": {{160, 0, 0, 10}, {160, 0, 0, 10}, {160, 0, 0, 10}, {160, 0, 144, 10}, {120, 40, 0, 10}},
		// 100 in 10 s under 1/s. The queue has one place, so it admits one more, which leaves at 10 s.
		"articles": {{10, 90, 0, 1}, {10, 90, 0, 1}, {10, 90, 0, 1}, {11, 89, 10, 1}},
		// 1 + 20 + 20 under 10/s. The window admits 1 + 9, and the next window 10. The log has room for 9, and for one more
		// when the first is a second old. The bucket is full at the first burst, so it admits 10. At the second burst, 0.2 s
		// later, it has 2 tokens.
		"edge": {{20, 21, 0, 19}, {11, 30, 0, 10}, {13, 28, 0, 12}, {14, 27, 12, 10}},
		// 100 at 10/s under 8/s. The window and the log admit 8 in each of 10 seconds. The bucket admits 8, and 79 for the
		// 79 intervals of 1/8 s in 9.9 s.
		"steady": {{80, 20, 0, 8}, {80, 20, 0, 8}, {87, 13, 0, 10}, {88, 12, 87, 8}},
		// 6, then 40 in 0.39 s, under 10/s with a burst of 20. Of the 40 the window and the log admit 10. The bucket admits
		// 20, and 3 for the tokens that it gets meanwhile. The queue admits 21, and 3 for the places that become free.
		"idle": {{16, 30, 0, 10}, {16, 30, 0, 10}, {29, 17, 0, 23}, {30, 16, 23, 10}},
	}
	_, runner := server(t)
	for _, where := range []scripts.Runner{runner, nil} {
		for _, tr := range trace.Builtin() {
			comparison, err := Setup{Runner: where, Prefix: "test", Kinds: choice{}.kinds(tr), Decided: new(atomic.Int64)}.Compare(t.Context(), tr)
			if err != nil {
				t.Fatal(err)
			}
			if len(comparison.Runs) != len(want[tr.Name]) {
				t.Errorf("%s has %d rows, want %d", tr.Name, len(comparison.Runs), len(want[tr.Name]))
				continue
			}
			for i, run := range comparison.Runs {
				got := line{run.Totals.Admitted, run.Totals.Denied, run.Totals.Delayed, run.Totals.MostInPeriod}
				if got != want[tr.Name][i] {
					t.Errorf("%s, %s on %T: got %v, want %v", tr.Name, run.Kind.Name, where, got, want[tr.Name][i])
				}
			}
		}
	}
}

// TestModels compares every decision on built-in and on random traces with the algorithms'
// definitions, on a server and in this process.
func TestModels(t *testing.T) {
	traces := trace.Builtin()
	for i, limit := range []algorithms.Limit{
		algorithms.PerSecond(10), algorithms.PerSecond(5).WithBurst(2), algorithms.PerMinute(6).WithBurst(9),
		algorithms.PerSecond(1), algorithms.Per(4, time.Millisecond).WithBurst(1),
	} {
		tr := random(uint64(i), limit)
		traces = append(traces, tr)
		tr.And = algorithms.Per(2*limit.Rate-1, 3*limit.Period)
		traces = append(traces, tr)
	}
	redis, runner := server(t)
	every := choice{names: kindNames()[:len(kindNames())-1]} // inflight has a test of its own
	for _, tr := range traces {
		for _, aligned := range []bool{false, true} {
			var comparisons [2]Comparison
			for i, where := range []scripts.Runner{runner, nil} {
				var decided atomic.Int64
				var err error
				comparisons[i], err = Setup{Runner: where, Prefix: "test", Kinds: every.kinds(tr), Aligned: aligned, Decided: &decided}.Compare(t.Context(), tr)
				if err != nil {
					t.Fatal(err)
				}
				if decided.Load() != int64(len(tr.Arrivals)*len(comparisons[i].Runs)) {
					t.Errorf("%s: %d decisions were counted", tr.Name, decided.Load())
				}
				for _, run := range comparisons[i].Runs {
					t.Run(fmt.Sprintf("%s, %s %v/%s/%d", tr.Name, tr.Limits(), aligned, run.Kind.Name, i), func(t *testing.T) {
						checkModel(t, tr, run, aligned)
						checkTotals(t, tr, run)
					})
				}
			}
			for i, run := range comparisons[0].Runs {
				if !reflect.DeepEqual(run.Outcomes, comparisons[1].Runs[i].Outcomes) {
					t.Errorf("%s: %s decides otherwise on a server than in this process", tr.Name, run.Name())
				}
			}
			checkTwins(t, runner, tr, comparisons[0])
		}
	}
	if keys := redis.Keys(); len(keys) > 0 {
		t.Errorf("these keys are left: %q", keys)
	}
}

// checkTwins runs each kind that has no row of its own, and compares it with the row that represents it.
func checkTwins(t *testing.T, runner scripts.Runner, tr trace.Trace, c Comparison) {
	t.Helper()
	for _, run := range c.Runs {
		for _, name := range run.Names[1:] {
			alone := choice{names: []string{name}}
			other, err := Setup{Runner: runner, Prefix: "twin", Kinds: alone.kinds(tr), Aligned: c.Aligned, Decided: new(atomic.Int64)}.Compare(t.Context(), tr)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(run.Outcomes, other.Runs[0].Outcomes) {
				t.Errorf("%s: %s decides otherwise than %s, whose row stands for it", tr.Name, name, run.Kind.Name)
			}
		}
	}
}

// random returns a random trace of a few keys and costs. Some costs are above the limit.
func random(seed uint64, limit algorithms.Limit) trace.Trace {
	r := rand.New(rand.NewPCG(seed, 1))
	arrivals := make([]trace.Arrival, 100)
	at := time.Duration(0)
	for i := range arrivals {
		if r.IntN(3) > 0 {
			at += time.Duration(r.Int64N(limit.Period.Microseconds()/limit.Rate+1)) * time.Microsecond
		}
		if r.IntN(40) == 0 {
			at = (at/limit.Period + time.Duration(r.IntN(3))) * limit.Period // to a window's edge
			at = max(at, arrivals[max(i-1, 0)].At)
		}
		arrivals[i] = trace.Arrival{At: at, Key: string(rune('a' + r.IntN(3))), Cost: 1}
		if r.IntN(5) == 0 {
			arrivals[i].Cost += r.Int64N(limit.Rate + 1)
		}
	}
	return trace.Trace{Name: fmt.Sprint("random", seed), Limit: limit, Arrivals: arrivals}
}

// checkModel compares a run's outcomes with the algorithm's definition, for each key.
func checkModel(t *testing.T, tr trace.Trace, run Run, aligned bool) {
	capacity := map[string]int64{"fixedwindow": tr.Limit.Rate, "slidinglog": tr.Limit.Rate}[run.Kind.Name]
	switch {
	case run.Kind.Name == "allof":
		capacity = min(cmp.Or(tr.And, tr.Limit).Rate, tr.Limit.BurstOrRate())
	case capacity == 0:
		capacity = tr.Limit.BurstOrRate()
	}
	arrivals, outcomes := map[string][]trace.Arrival{}, map[string][]Outcome{}
	for i, arrival := range tr.Arrivals {
		arrival.Cost = weight(run.Kind, arrival)
		if over := arrival.Cost > capacity; over != run.Outcomes[i].OverLimit {
			t.Fatalf("at %v: over the limit: %v", arrival, !over)
		} else if over {
			continue
		}
		arrivals[arrival.Key] = append(arrivals[arrival.Key], arrival)
		outcomes[arrival.Key] = append(outcomes[arrival.Key], run.Outcomes[i])
	}
	for key := range arrivals {
		for i, want := range models[run.Kind.Name](tr, aligned, arrivals[key]) {
			arrival, got := arrivals[key][i], outcomes[key][i]
			if got.Allowed != want.allowed || (got.Allowed && arrival.At+got.Delay != want.at) || got.Allowed != (got.RetryAfter == 0) {
				t.Fatalf("at %v: got %+v, want %+v", arrival, got, want)
			}
		}
	}
}

// checkTotals computes the totals of a run in another way than total, and compares them.
func checkTotals(t *testing.T, tr trace.Trace, run Run) {
	want := Totals{Requests: len(tr.Arrivals)}
	denials := map[string]int{}
	for i, o := range run.Outcomes {
		switch {
		case o.OverLimit:
			want.OverLimit++
		case o.Allowed:
			want.Admitted++
			want.Events += weight(run.Kind, tr.Arrivals[i])
		default:
			want.Denied++
			denials[tr.Arrivals[i].Key]++
		}
		if o.Delay > 0 {
			want.Delayed++
		}
		// The sums of the period that ends when this request leaves.
		end, sums := tr.Arrivals[i].At+o.Delay, [2]int64{}
		for j, other := range run.Outcomes {
			at := tr.Arrivals[j].At + other.Delay
			for k, period := range []time.Duration{tr.Limit.Period, tr.And.Period} {
				if other.Allowed && tr.Arrivals[j].Key == tr.Arrivals[i].Key && at <= end && at > end-period {
					sums[k] += weight(run.Kind, tr.Arrivals[j])
				}
			}
		}
		want.MostInPeriod, want.MostInOther = max(want.MostInPeriod, sums[0]), max(want.MostInOther, sums[1])
	}
	want.Delay = checkWaits(t, run, func(o Outcome) time.Duration { return o.Delay })
	want.Retry = checkWaits(t, run, func(o Outcome) time.Duration { return o.RetryAfter })
	if !maps.Equal(run.Denials, denials) {
		t.Errorf("got denials %v, want %v", run.Denials, denials)
	}
	if run.Totals != want {
		t.Errorf("got totals %+v, want %+v", run.Totals, want)
	}
}

// checkWaits returns, for each percentage, the shortest wait that so many percent of the waits don't exceed.
func checkWaits(t *testing.T, run Run, of func(Outcome) time.Duration) waits {
	t.Helper()
	at := func(percent int) time.Duration {
		shortest := time.Duration(0)
		for _, candidate := range run.Outcomes {
			all, below := 0, 0
			for _, o := range run.Outcomes {
				if of(o) > 0 {
					all++
				}
				if of(o) > 0 && of(o) <= of(candidate) {
					below++
				}
			}
			if d := of(candidate); d > 0 && below*100 >= percent*all && (shortest == 0 || d < shortest) {
				shortest = d
			}
		}
		return shortest
	}
	return waits{at(50), at(99), at(100)}
}

// failing is a Runner that fails after n decisions. It still removes keys, unless stuck is set.
type failing struct {
	scripts.Runner
	n     atomic.Int64
	stuck bool
}

var errAway = errors.New("away")

func (f *failing) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	if s == scripts.Reset {
		if f.stuck {
			return nil, errAway
		}
	} else if f.n.Add(-1) < 0 {
		return nil, errAway
	}
	return f.Runner.Run(ctx, s, keys, args)
}

func TestCleanup(t *testing.T) {
	for _, test := range []struct {
		name  string
		after int64
		stuck bool
		want  string // in the error
		left  bool
	}{
		{"success", 1e6, false, "", false},
		{"failure", 100, false, "away", false},
		{"failure at once", 0, true, "away", false},
		{"no removal", 1e6, true, "keys test:* are left", true},
		{"neither", 100, true, "away; keys test:* may be left", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			redis, runner := server(t)
			broken := &failing{Runner: runner, stuck: test.stuck}
			broken.n.Store(test.after)
			tr := random(1, algorithms.PerSecond(10))
			_, err := Setup{Runner: broken, Prefix: "test", Kinds: kinds, Decided: new(atomic.Int64)}.Compare(t.Context(), tr)
			if (err == nil) != (test.want == "") || (err != nil && (!errors.Is(err, errAway) || !strings.Contains(err.Error(), test.want))) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
			if test.want == "away" && strings.Contains(fmt.Sprint(err), "left") {
				t.Errorf("got %v, though no key is left", err)
			}
			if left := len(redis.Keys()) > 0; left != test.left {
				t.Errorf("keys left: %q", redis.Keys())
			}
		})
	}
}

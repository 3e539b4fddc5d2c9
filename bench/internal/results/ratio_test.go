package results_test

import (
	"math"
	"testing"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   results.Spread
	}{
		{nil, results.Spread{}},
		{[]float64{0, 0}, results.Spread{}},
		{[]float64{math.NaN(), math.Inf(1), -1}, results.Spread{}},
		{[]float64{3}, results.Spread{Median: 3, Low: 3, High: 3, N: 1}},
		{[]float64{4, 0, 2}, results.Spread{Median: 3, Low: 2, High: 4, N: 2}},
		{[]float64{9, 1, 2}, results.Spread{Median: 2, Low: 1, High: 9, N: 3}},
		{[]float64{4, 3, 2, 1}, results.Spread{Median: 2.5, Low: 1, High: 4, N: 4}},
		{[]float64{5, 4, 3, 2, 100}, results.Spread{Median: 4, Low: 3, High: 5, N: 5}},
		{[]float64{6, 5, 4, 3, 2, 1}, results.Spread{Median: 3.5, Low: 2.25, High: 4.75, N: 6}},
	} {
		if got := results.NewSpread(test.values); got != test.want {
			t.Errorf("%v: got %+v, want %+v", test.values, got, test.want)
		}
	}
}

// rounds returns a result with these throughputs and p50s.
func rounds(values ...[2]float64) results.Result {
	var r results.Result
	for _, v := range values {
		r.Rounds = append(r.Rounds, results.Round{Throughput: v[0], P50: v[1]})
	}
	return r
}

func TestRatio(t *testing.T) {
	// The machine was twice as slow in the second round, which the ratio does not show.
	a, b := rounds([2]float64{200, 1}, [2]float64{100, 0}, [2]float64{220, 3}), rounds([2]float64{100, 2}, [2]float64{50, 2}, [2]float64{100, 0})
	for _, test := range []struct {
		name string
		a, b results.Result
		m    results.Measure
		want results.Spread
	}{
		{"paired", a, b, results.Throughput, results.Spread{Median: 2, Low: 2, High: 2.2, N: 3}},
		{"some not told", a, b, results.P50, results.Spread{Median: 0.5, Low: 0.5, High: 0.5, N: 1}},
		{"none told", a, b, results.ServerCPU, results.Spread{}},
		{"fewer rounds", a, rounds([2]float64{50, 1}), results.Throughput, results.Spread{Median: 4, Low: 4, High: 4, N: 1}},
		{"no rounds", rounds(), b, results.Throughput, results.Spread{}},
	} {
		if got := test.a.Ratio(test.b, test.m); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
	total := results.Totals[0]
	if got, ok := total.Ratio(results.Result{Allocs: 3}, results.Result{Allocs: 2}); got != 1.5 || !ok {
		t.Errorf("got %v, %v, want 1.5", got, ok)
	}
	if got, ok := total.Ratio(results.Result{Allocs: 3}, results.Result{}); ok {
		t.Errorf("got %v, want none", got)
	}
}

func TestAhead(t *testing.T) {
	for _, test := range []struct {
		m    results.Measure
		s    results.Spread
		want bool
	}{
		{results.Throughput, results.Spread{Median: 1.2, Low: 1.1, High: 1.3, N: 3}, true},
		{results.Throughput, results.Spread{Median: 1.2, Low: 0.9, High: 1.3, N: 3}, false},
		{results.Throughput, results.Spread{Median: 1.2, Low: 1.2, High: 1.2, N: 1}, false},
		{results.P99, results.Spread{Median: 1.2, Low: 1.1, High: 1.3, N: 3}, false},
		{results.P99, results.Spread{Median: 0.8, Low: 0.7, High: 0.9, N: 3}, true},
		{results.P99, results.Spread{}, false},
	} {
		if got := test.m.Ahead(test.s); got != test.want {
			t.Errorf("%s %+v: got %v, want %v", test.m.Name, test.s, got, test.want)
		}
	}
}

func TestSuspect(t *testing.T) {
	for _, test := range []struct {
		r    results.Result
		want bool
	}{
		{results.Result{}, false},
		{results.Result{Calls: 1000, Failed: 10}, false},
		{results.Result{Calls: 1000, Failed: 5, WronglyDenied: 3, WronglyAdmitted: 3}, true},
	} {
		if got := test.r.Suspect(); got != test.want {
			t.Errorf("%+v: got %v, want %v", test.r, got, test.want)
		}
	}
}

func TestDifferences(t *testing.T) {
	run := func(ratios ...float64) results.Run {
		base, other := rounds(), rounds()
		base.Limiter, other.Limiter = "base", "other"
		for _, ratio := range ratios {
			base.Rounds = append(base.Rounds, results.Round{Throughput: 100})
			other.Rounds = append(other.Rounds, results.Round{Throughput: 100 * ratio})
		}
		return results.Run{Cells: []results.Cell{{Keys: 1, Results: []results.Result{base, other}}}}
	}
	for _, test := range []struct {
		name    string
		runs    []results.Run
		apart   float64 // -1: nothing to compare
		overlap bool
	}{
		{"alike", []results.Run{run(1, 2, 3), run(2, 2, 2)}, 0, true},
		{"explained", []results.Run{run(1, 2, 3), run(2.2, 2.5, 3)}, 0.25, true},
		{"unexplained", []results.Run{run(1.5, 2, 2.2), run(2.4, 2.5, 3)}, 0.25, false},
		{"three", []results.Run{run(2), run(3), run(1)}, 2, false},
		{"one of three missing", []results.Run{run(2), {}, run(3)}, 0.5, false},
		{"one", []results.Run{run(2)}, -1, false},
		{"one with zeroes", []results.Run{run(2), run(0, 0)}, -1, false},
		{"none", nil, -1, false},
	} {
		got := results.Differences(test.runs, "base", []string{"base", "other", "third"}, results.Throughput, results.ServerCPU)
		if test.apart < 0 {
			if len(got) > 0 {
				t.Errorf("%s: got %+v, want nothing", test.name, got)
			}
			continue
		}
		if len(got) != 1 || math.Abs(got[0].Apart-test.apart) > 1e-9 || got[0].Overlap() != test.overlap || len(got[0].Ratios) != len(test.runs) {
			t.Errorf("%s: got %+v, want %v apart, overlap %v", test.name, got, test.apart, test.overlap)
		}
	}
	apart := []results.Difference{{Apart: 0.1}, {Apart: 0.11}, {Apart: 0}, {Apart: 0.5}}
	if got := results.Within(apart, 0.1); got != 0.5 {
		t.Errorf("%v of them are within a tenth, want half", got)
	}
	if got := results.Within(nil, 0.1); got != 1 {
		t.Errorf("%v of none are within a tenth, want all", got)
	}
}

func TestRatioOfRun(t *testing.T) {
	run := resultstest.Small("Redis 7.0.15", 1)
	load := run.Cells[1].Load()
	if got := run.Ratio(load, "weir-gcra", "weir-gcra", results.Throughput); got.Median != 1 || got.N != 3 {
		t.Errorf("got %+v, want 1", got)
	}
	other := load
	other.Keys++
	for _, got := range []results.Spread{
		run.Ratio(load, "nobody", "weir-gcra", results.Throughput),
		run.Ratio(load, "weir-gcra", "nobody", results.Throughput),
		run.Ratio(other, "weir-gcra", "weir-gcra", results.Throughput),
	} {
		if got.N != 0 {
			t.Errorf("got %+v, want none", got)
		}
	}
}

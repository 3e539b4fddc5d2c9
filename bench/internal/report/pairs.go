package report

import (
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// measured is a run whose loads are looked up often.
type measured struct {
	results.Run
	loads []results.Load
}

// Loads returns the loads of the run.
func (r measured) Loads() []results.Load { return r.loads }

// A pair is a limiter of Weir's, and the one that it is compared with.
type pair struct{ weir, other string }

func (p pair) String() string { return "`" + p.weir + "` ÷ `" + p.other + "`" }

// alike are all pairs of a run of which both have the same client and the same definition. Of Weir's it is the first.
func alike(r measured) (pairs []pair) {
	for _, other := range r.Limiters {
		if ours(other) || other.IsFloor() {
			continue
		}
		i := slices.IndexFunc(r.Limiters, func(l round.Limiter) bool {
			return ours(l) && l.Client == other.Client && l.Definition == other.Definition
		})
		if i >= 0 {
			pairs = append(pairs, pair{r.Limiters[i].Name, other.Name})
		}
	}
	return pairs
}

func ours(l round.Limiter) bool { return l.Module == "github.com/go-weir/weir" }

// unlike are pairs that differ in what they do, of which a run has both.
func unlike(r measured) (pairs []pair) {
	for _, p := range []pair{
		{"weir-allof", "weir-onebyone"}, {"weir-gcra-coalesce", "redis_rate"}, {"weir-gcra-cachedenials", "redis_rate"},
		{"weir-inflight", "weir-slidinglog"},
	} {
		if has(r, p.weir) && has(r, p.other) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

func has(r measured, limiter string) bool {
	return slices.ContainsFunc(r.Limiters, func(l round.Limiter) bool { return l.Name == limiter })
}

// A figure is a pair in one measure, under one load.
type figure struct {
	pair
	measure results.Measure
	load    results.Asked
}

// in is the figure's ratio in a run.
func (f figure) in(r measured) results.Ratio {
	for _, load := range r.loads {
		if load.Asked == f.load {
			return results.Compare(load.Of(f.weir), load.Of(f.other), f.measure)
		}
	}
	return results.Ratio{Verdict: results.Undecided}
}

// figures are all of some pairs that a run tells.
func figures(r measured, pairs []pair) (all []figure) {
	for _, p := range pairs {
		for _, m := range results.Measures {
			for _, load := range r.Loads() {
				f := figure{p, m, load.Asked}
				if results.Compare(load.Of(p.weir), load.Of(p.other), m).Told {
					all = append(all, f)
				}
			}
		}
	}
	return all
}

// busiest is the load with the most goroutines of those with the fewest requests denied, or with the most.
func busiest(r measured, denied bool) (most results.Asked) {
	for _, load := range r.Loads() {
		a := load.Asked
		fits := a.Denials == most.Denials
		if most.Goroutines == 0 || !fits && (a.Denials > most.Denials) == denied ||
			fits && (a.Goroutines > most.Goroutines || a.Goroutines == most.Goroutines && a.Keys != "1") {
			most = a
		}
	}
	return most
}

// first are the figures of a summary for some pairs, of the busiest load: what they cost the server, and for the first pair
// of like with like how many decisions that makes. What remembers denials is shown where there are most of them.
func first(r measured, pairs []pair) (told []figure) {
	for _, f := range figures(r, pairs) {
		if f.load != busiest(r, strings.Contains(f.weir, "cachedenials")) {
			continue
		}
		if f.measure.Name == results.ServerCPU.Name || f.measure.Name == results.Decisions.Name && slices.Index(alike(r), f.pair) == 0 {
			told = append(told, f)
		}
	}
	return told
}

// reversed says whether two runs decide a figure, and not alike.
func reversed(f figure, runs []measured) bool {
	seen := map[results.Verdict]bool{}
	for _, r := range runs {
		seen[f.in(r).Verdict] = true
	}
	return seen[results.Better] && seen[results.Worse]
}

// undecided says whether no run decides a figure.
func undecided(f figure, runs []measured) bool {
	return !slices.ContainsFunc(runs, func(r measured) bool { return f.in(r).Verdict != results.Undecided })
}

// listed is names as a sentence has them.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

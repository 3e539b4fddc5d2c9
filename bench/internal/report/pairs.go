package report

import (
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// measured is a run with its loads, so that they are computed once.
type measured struct {
	results.Run
	loads []results.Load
}

// Loads returns the loads that were computed before.
func (r measured) Loads() []results.Load { return r.loads }

// A pair is one of Weir's limiters, and the limiter that it is compared with.
type pair struct{ weir, other string }

func (p pair) String() string { return "`" + p.weir + "` ÷ `" + p.other + "`" }

// alike returns the pairs of a run whose limiters have the same client and the same definition. Each limiter of another
// library is in one pair, with the first of Weir's limiters that fits.
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

// ours reports whether a limiter is Weir's.
func ours(l round.Limiter) bool { return l.Module == "github.com/go-weir/weir" }

// unlike returns the pairs of a run whose limiters do different things, such as remembering denials or not.
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

// A figure is a comparison of a pair by one measure, under one load.
type figure struct {
	pair
	measure results.Measure
	load    results.Asked
}

// in returns the figure's ratio in a run.
func (f figure) in(r measured) results.Ratio {
	for _, load := range r.loads {
		if load.Asked == f.load {
			return results.Compare(load.Of(f.weir), load.Of(f.other), f.measure)
		}
	}
	return results.Ratio{Verdict: results.Undecided}
}

// figures returns all figures of the pairs for which a run has values.
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

// busiest returns the load with the lowest share of denied requests, and of these the one with the most goroutines. If
// several remain, it prefers several keys to one key. If denied is set, it prefers the highest share, and one key.
func busiest(r measured, denied bool) (most results.Asked) {
	for _, load := range r.Loads() {
		a := load.Asked
		fits := a.Denials == most.Denials
		if most.Goroutines == 0 || !fits && (a.Denials > most.Denials) == denied ||
			fits && (a.Goroutines > most.Goroutines || a.Goroutines == most.Goroutines && (a.Keys == "1") == denied) {
			most = a
		}
	}
	return most
}

// first returns the figures of the pairs that the summary shows: server CPU under the busiest load, and for the first pair of
// alike also decisions a second. Limiters that cache denials are shown under the load with the most denials of one key.
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

// reversed reports whether a figure is better in one run and worse in another.
func reversed(f figure, runs []measured) bool {
	seen := map[results.Verdict]bool{}
	for _, r := range runs {
		seen[f.in(r).Verdict] = true
	}
	return seen[results.Better] && seen[results.Worse]
}

// undecided reports whether a figure is undecided in all runs.
func undecided(f figure, runs []measured) bool {
	return !slices.ContainsFunc(runs, func(r measured) bool { return f.in(r).Verdict != results.Undecided })
}

// listed joins names as in a sentence: "a, b and c".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

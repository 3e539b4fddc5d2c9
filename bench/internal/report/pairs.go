package report

import (
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// A pair is a limiter of Weir's, and the one that it is compared with.
type pair struct{ weir, other string }

func (p pair) String() string { return "`" + p.weir + "` ÷ `" + p.other + "`" }

// alike are all pairs of a run of which both have the same client and the same definition. Of Weir's it is the first.
func alike(r results.Run) (pairs []pair) {
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
func unlike(r results.Run) (pairs []pair) {
	for _, p := range []pair{
		{"weir-allof", "weir-onebyone"}, {"weir-gcra-coalesce", "redis_rate"}, {"weir-gcra-cachedenials", "redis_rate"},
		{"weir-slidinglog", "httprate-redis"}, {"weir-inflight", "weir-slidinglog"},
	} {
		if has(r, p.weir) && has(r, p.other) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

func has(r results.Run, limiter string) bool {
	return slices.ContainsFunc(r.Limiters, func(l round.Limiter) bool { return l.Name == limiter })
}

// A figure is a pair in one measure, under one load.
type figure struct {
	pair
	measure results.Measure
	load    results.Asked
}

// in is the figure's ratio in a run.
func (f figure) in(r results.Run) results.Ratio {
	load := r.Find(f.load)
	return results.Compare(load.Of(f.weir), load.Of(f.other), f.measure)
}

// figures are all of some pairs that a run tells.
func figures(r results.Run, pairs []pair) (all []figure) {
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

// first are the figures of a summary for some pairs, of the busiest load whose requests are admitted: for the first pair
// all measures if that is asked for, and for others what they cost the server.
func first(r results.Run, pairs []pair, all bool) (told []figure) {
	var busiest results.Asked
	for _, load := range r.Loads() {
		a := load.Asked
		if busiest.Goroutines == 0 || a.Denials < busiest.Denials ||
			a.Denials == busiest.Denials && (a.Goroutines > busiest.Goroutines || a.Goroutines == busiest.Goroutines && a.Keys != "1") {
			busiest = a
		}
	}
	for _, f := range figures(r, pairs) {
		if f.load == busiest && (f.measure.Name == results.ServerCPU.Name || all && f.pair == pairs[0]) {
			told = append(told, f)
		}
	}
	return told
}

// reversed says whether two runs decide a figure, and not alike.
func reversed(f figure, runs []results.Run) bool {
	seen := map[results.Verdict]bool{}
	for _, r := range runs {
		seen[f.in(r).Verdict] = true
	}
	return seen[results.Better] && seen[results.Worse]
}

// undecided says whether no run decides a figure.
func undecided(f figure, runs []results.Run) bool {
	return !slices.ContainsFunc(runs, func(r results.Run) bool { return f.in(r).Verdict != results.Undecided })
}

// listed is names as a sentence has them.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

package report

import (
	"cmp"
	"slices"

	"github.com/go-weir/weir/bench/shared/round"
)

// mostDrawn is how many limiters a chart shows at most, so that one can tell them apart.
const mostDrawn = 8

// drawn returns the limiters that the charts show. If there are too many: the baseline, Weir's GCRA over
// each client, and of each other module one limiter, GCRAs first.
func (r Report) drawn() []limiter {
	if len(r.Limiters) <= mostDrawn {
		return r.Limiters
	}
	picked := []limiter{r.Limiters[0]}
	modules := map[string]bool{}
	pick := func(l limiter) {
		if len(picked) < mostDrawn && !slices.ContainsFunc(picked, func(p limiter) bool { return p.Name == l.Name }) {
			picked = append(picked, l)
		}
	}
	clients := map[string]bool{}
	for _, l := range r.Limiters {
		if isWeirs(l) && l.Definition == round.GCRA && !clients[l.Client] {
			clients[l.Client] = true
			pick(l)
		}
	}
	others := slices.Clone(r.Limiters)
	slices.SortStableFunc(others, func(a, b limiter) int { return cmp.Compare(rank(a), rank(b)) })
	for _, l := range others {
		if !isWeirs(l) && !modules[l.Module] && rank(l) < lastRank {
			modules[l.Module] = true
			pick(l)
		}
	}
	return picked
}

const lastRank = 3

// rank says how soon a limiter is picked.
func rank(l limiter) int {
	switch {
	case l.Floor:
		return lastRank
	case l.Definition == round.GCRA:
		return 0
	case l.Definition == round.FixedWindow, l.Definition == round.AlignedWindow:
		return 1
	}
	return 2
}

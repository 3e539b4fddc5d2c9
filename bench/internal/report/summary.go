package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// A pair is one of Weir's limiters and a peer that it is held against.
type pair struct{ ours, peer round.Limiter }

// A found ratio is one of the cells of all runs.
type found struct {
	median float64
	where  string
}

// summary returns Weir's first limiter, and the likest of Weir's, against each peer.
func (r Report) summary() []block {
	first, ok := r.firstOfWeirs()
	if !ok {
		return nil
	}
	var against, alike []pair
	for _, l := range r.Limiters {
		if !isPeer(l) {
			continue
		}
		against = append(against, pair{first, l})
		if like, ok := r.likest(l); ok && like.Name != first.Name {
			alike = append(alike, pair{like, l})
		}
	}
	blocks := r.summaryTables(against, func(p pair) text { return name(p.peer.Name) }, name(first.Name).and(" against"))
	if len(blocks) > 0 {
		intro := text(nil).plus(name(first.Name)).and("'s number divided by the peer's: the median over all cells, and the best and the worst of them " +
			"for Weir. In this section Weir is divided by the peer; in the tables of each server the row's limiter is divided by ").plus(name(r.Baseline)).and(".")
		blocks = append([]block{heading{2, "In short"}, paragraph(intro)}, blocks...)
	}
	if more := r.summaryTables(alike, func(p pair) text { return name(p.ours.Name).and(" ÷ ").plus(name(p.peer.Name)) }, say("Weir's ÷ peer")); len(more) > 0 {
		blocks = append(blocks, heading{3, "Like against like"},
			paragraph(say("Those of Weir's that do the same as the peer by the peer's own definition, over the same client where Weir has it.")))
		blocks = append(blocks, more...)
	}
	return append(blocks, r.crowd()...)
}

// firstOfWeirs returns the default baseline, or the first of Weir's limiters that is told of.
func (r Report) firstOfWeirs() (round.Limiter, bool) {
	var weirs []round.Limiter
	for _, l := range r.Limiters {
		if l.Name == DefaultBaseline {
			return l, true
		}
		if isWeirs(l) {
			weirs = append(weirs, l)
		}
	}
	if len(weirs) == 0 {
		return round.Limiter{}, false
	}
	return weirs[0], true
}

// likest returns the one of Weir's limiters that is of the same definition as a peer: of several the one
// over the same client, and of several of these one with the same last part of its name, if it has one.
func (r Report) likest(peer round.Limiter) (best round.Limiter, ok bool) {
	score := func(l round.Limiter) (points int) {
		if l.Client == peer.Client {
			points += 2
			if lastPart(l.Name) == lastPart(peer.Name) {
				points++
			}
		}
		return points
	}
	for _, l := range r.Limiters {
		if isWeirs(l) && l.Definition == peer.Definition && (!ok || score(l) > score(best)) {
			best, ok = l, true
		}
	}
	return best, ok
}

func lastPart(name string) string { return name[strings.LastIndexByte(name, '-')+1:] }

// summaryTables returns a table for each measure, with a row for each pair.
func (r Report) summaryTables(pairs []pair, title func(pair) text, head text) (blocks []block) {
	for _, m := range []shownMeasure{throughput, p50, p99, serverCPU} {
		t := table{head: []text{head, say("median"), say("best"), say("worst"), say("better in"), say("worst at")}, texts: []int{5}}
		for _, p := range pairs {
			all := r.everywhere(p, m.Measure)
			if len(all) == 0 {
				continue
			}
			ahead := 0
			for _, f := range all {
				if m.Better(f.median) {
					ahead++
				}
			}
			first := title(p)
			if r.suspect(p) {
				first = first.and(" †")
			}
			best, worst := all[len(all)-1], all[0]
			if !m.MoreBetter {
				best, worst = worst, best
			}
			t.rows = append(t.rows, []text{
				first, say(ratio(middle(all))), say(ratio(best.median)), say(ratio(worst.median)),
				say(fmt.Sprintf("%d of %d", ahead, len(all))), say(worst.where),
			})
		}
		if len(t.rows) == 0 {
			continue
		}
		better := "below 1 Weir's is better"
		if m.MoreBetter {
			better = "above 1 Weir's is better"
		}
		blocks = append(blocks, paragraph(stress(m.title).and(", "+better+":")), t)
	}
	return blocks
}

// everywhere returns the ratios of a pair in all cells of all runs, in ascending order. How many
// decisions are made where requests become due by the clock is no measure, and is left out.
func (r Report) everywhere(p pair, m results.Measure) (all []found) {
	for _, in := range r.Inputs {
		for _, cell := range in.Run.Cells {
			load := cell.Load()
			if load.Rate > 0 && m.Name == results.Throughput.Name {
				continue
			}
			s := in.Run.Ratio(load, p.ours.Name, p.peer.Name, m)
			if s.N == 0 {
				continue
			}
			where := Server{Server: in.Run.Server}.title()
			if number, of := r.place(in); of > 1 {
				where += fmt.Sprintf(" (run %d)", number)
			}
			all = append(all, found{s.Median, where + ": " + describe(load)})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int {
		switch {
		case a.median < b.median:
			return -1
		case a.median > b.median:
			return 1
		}
		return 0
	})
	return all
}

// suspect says whether one of a pair has failed or decided wrongly too often in some cell.
func (r Report) suspect(p pair) bool {
	for _, in := range r.Inputs {
		for _, cell := range in.Run.Cells {
			ours, _ := cell.Result(p.ours.Name)
			peer, _ := cell.Result(p.peer.Name)
			if ours.Suspect() || peer.Suspect() {
				return true
			}
		}
	}
	return false
}

// middle returns the median of ratios in ascending order.
func middle(all []found) float64 {
	var medians []float64
	for _, f := range all {
		medians = append(medians, f.median)
	}
	return results.NewSpread(medians).Median
}

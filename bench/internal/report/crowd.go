package report

import (
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// ways are the last parts of names by which Weir's limiters tell that they save calls to the server.
var ways = []string{"-coalesce", "-cachedenials"}

// crowd returns what Weir's ways to save calls bring where the most goroutines ask for one key, against the first
// peer over the same client; and what they cost a caller who comes alone, against the same limiter without.
func (r Report) crowd() (blocks []block) {
	together := table{texts: []int{1}, head: []text{
		say("Weir's ÷ peer"), say("server and load"), say("decisions/s"), say("p50"), say("server CPU"), say("allocations"),
	}}
	alone := table{head: []text{say("Weir's ÷ the same without"), say("p50, median"), say("best"), say("worst")}}
	for _, ours := range r.Limiters {
		if !isWeirs(ours) || !saves(ours) {
			continue
		}
		if i := slices.IndexFunc(r.Limiters, func(l round.Limiter) bool { return isPeer(l) && l.Client == ours.Client }); i >= 0 {
			together.rows = append(together.rows, r.compared(pair{ours, r.Limiters[i]})...)
		}
		if i := slices.IndexFunc(r.Limiters, func(l round.Limiter) bool { return l.Name == without(ours.Name) }); i >= 0 {
			if row := r.alone(pair{ours, r.Limiters[i]}); row != nil {
				alone.rows = append(alone.rows, row)
			}
		}
	}
	if len(together.rows) > 0 {
		blocks = append(blocks, heading{3, "Calls sent together, denials remembered"},
			paragraph(say("Where the most goroutines ask for one key, against the first peer over the same client. Decisions above 1 "+
				"and all else below 1 are better for Weir.")), together)
	}
	if len(alone.rows) > 0 {
		blocks = append(blocks, paragraph(say("What that costs where one goroutine asks, over all loads that were measured in ten rounds or more:")), alone)
	}
	return blocks
}

// saves says whether a limiter of Weir's saves calls to the server.
func saves(l round.Limiter) bool {
	return slices.ContainsFunc(ways, func(way string) bool { return strings.Contains(l.Name, way) })
}

// without is the name of the limiter that saves none.
func without(name string) string {
	for _, way := range ways {
		name = strings.Replace(name, way, "", 1)
	}
	return name
}

// compared returns a row for each load of one key and the most goroutines.
func (r Report) compared(p pair) (rows [][]text) {
	for _, in := range r.Inputs {
		most := 0
		for _, cell := range in.Run.Cells {
			most = max(most, cell.Goroutines)
		}
		for _, cell := range in.Run.Cells {
			load := cell.Load()
			decisions := in.Run.Ratio(load, p.ours.Name, p.peer.Name, results.Throughput)
			if load.Goroutines < most || load.Keys != 1 || load.Rate > 0 || decisions.N == 0 {
				continue
			}
			ours, _ := cell.Result(p.ours.Name)
			peer, _ := cell.Result(p.peer.Name)
			row := []text{
				name(p.ours.Name).and(" ÷ ").plus(name(p.peer.Name)),
				say(Server{Server: in.Run.Server}.title() + ": " + describe(load)), say(ratio(decisions.Median)),
			}
			for _, m := range []results.Measure{results.P50, results.ServerCPU} {
				row = append(row, say(ratio(in.Run.Ratio(load, p.ours.Name, p.peer.Name, m).Median)))
			}
			rows = append(rows, append(row, say(ratio(ours.Allocs/peer.Allocs))))
		}
	}
	return rows
}

// enough is how many rounds it takes to tell small differences of the latencies of one goroutine, which depend on
// how deep the machine sleeps between a question and its answer.
const enough = 10

// alone returns a row of the latencies of one goroutine, or nil where there are none of rounds enough.
func (r Report) alone(p pair) []text {
	var all []float64
	for _, in := range r.Inputs {
		for _, cell := range in.Run.Cells {
			load := cell.Load()
			if s := in.Run.Ratio(load, p.ours.Name, p.peer.Name, results.P50); load.Goroutines == 1 && load.Rate == 0 && s.N >= enough {
				all = append(all, s.Median)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []text{
		name(p.ours.Name).and(" ÷ ").plus(name(p.peer.Name)), say(ratio(results.NewSpread(all).Median)),
		say(ratio(slices.Min(all))), say(ratio(slices.Max(all))),
	}
}

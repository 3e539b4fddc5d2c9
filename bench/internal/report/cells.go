package report

import (
	"fmt"
	"slices"

	"github.com/go-weir/weir/bench/internal/results"
)

// A shown measure is one as the tables show it.
type shownMeasure struct {
	results.Measure
	title    string               // of its table
	absolute func(float64) string // its value
	always   bool                 // the value stands beside each ratio, and not only the baseline's
}

func microseconds(value float64) string { return short(value) + " µs" }

var (
	throughput = shownMeasure{results.Throughput, "Decisions a second", func(v float64) string { return short(v) + "/s" }, false}
	p50        = shownMeasure{results.P50, "Latency, p50", microseconds, false}
	p99        = shownMeasure{results.P99, "Latency, p99", microseconds, false}
	serverCPU  = shownMeasure{results.ServerCPU, "Server CPU a decision", microseconds, true}
	commandCPU = shownMeasure{results.CommandCPU, "Time in commands a decision, as the server tells", microseconds, true}
)

// sections returns what is told of one group of loads.
func (r Report) groupBlocks(s Server, g group) []block {
	blocks := []block{heading{3, g.title()}}
	if drawing, ok := r.ratioFigure(s, g); ok {
		blocks = append(blocks, drawing)
	}
	add := func(m shownMeasure) []block {
		t, ok := r.measureTable(s, g, m)
		if !ok {
			return nil
		}
		return []block{paragraph(stress(m.title).and(", by goroutines:")), t}
	}
	cpu := add(serverCPU)
	if !g.open() {
		blocks = append(blocks, add(throughput)...)
	}
	blocks = append(blocks, cpu...)
	folded := append(add(p50), add(p99)...)
	command := add(commandCPU)
	if len(cpu) > 0 {
		for _, b := range command {
			folded = append(folded, onPage{b})
		}
	} else {
		blocks = append(blocks, command...)
	}
	if len(folded) > 0 {
		blocks = append(blocks, fold{"Latency: " + g.title(), folded})
	}
	return blocks
}

// measureTable returns the table of one measure: a row for each limiter, a column for each number of
// goroutines, and in each of them a line for each run. There is none if no run tells the measure.
func (r Report) measureTable(s Server, g group, m shownMeasure) (table, bool) {
	t := table{head: append([]text{say("÷ ").plus(name(r.Baseline))}, g.goroutines()...)}
	told := false
	for _, l := range r.Limiters {
		row := []text{limiterName(l.Name, l.Floor)}
		any := false
		for _, load := range g.loads {
			var perRun []text
			for _, in := range s.Inputs {
				cell, ok := r.cellText(in.Run, load, l.Name, m)
				any = any || ok
				perRun = append(perRun, cell)
			}
			if !slices.ContainsFunc(perRun, func(t text) bool { return t[0].text != none }) {
				perRun = perRun[:1]
			}
			row = append(row, lines(perRun))
		}
		if any {
			told = true
			t.rows = append(t.rows, row)
		}
	}
	return t, told
}

// cellText returns what a run tells of a limiter under a load, and whether it tells anything.
func (r Report) cellText(run results.Run, load results.Load, limiter string, m shownMeasure) (text, bool) {
	cell, _ := run.Cell(load)
	result, ok := cell.Result(limiter)
	if !ok {
		return say(none), false
	}
	value := result.Value(m.Measure)
	if value.N == 0 {
		if result.Suspect() {
			return say(none + " †"), true // it has failed, which is to be told
		}
		return say(none), false
	}
	var t text
	if limiter == r.Baseline {
		t = say(m.absolute(value.Median))
	} else {
		if m.always {
			t = say(m.absolute(value.Median) + ", ")
		}
		ratio := run.Ratio(load, limiter, r.Baseline, m.Measure)
		if m.Ahead(ratio) && !r.limiter(limiter).Floor {
			t = t.plus(stress(spread(ratio)))
		} else {
			t = t.and(spread(ratio))
		}
	}
	if result.Suspect() {
		t = t.and(" †")
	}
	return t, true
}

func limiterName(limiter string, floor bool) text {
	if floor {
		return name(limiter).and(" (floor)")
	}
	return name(limiter)
}

// unfit says which limiters were not measured on a server, and why.
func (r Report) unfit(s Server) (items list) {
	seen := map[string]bool{}
	for _, in := range s.Inputs {
		for _, l := range in.Run.Limiters {
			if l.Unfit != "" && !seen[l.Name] {
				seen[l.Name] = true
				items = append(items, name(l.Name).and(fmt.Sprintf(" was not measured on this server: %s.", l.Unfit)))
			}
		}
	}
	return items
}

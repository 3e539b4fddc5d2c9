package report

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/go-weir/weir/bench/internal/results"
)

// line adds a limiter's line to a panel, if there are points for one.
func (p *panel) line(n int, points plotter.XYs, marked bool) {
	if len(points) > 0 {
		p.series = append(p.series, series{look: lookOf(n), points: points, joined: true, marked: marked})
	}
}

// value returns what a run tells of a limiter under a load; 0 if nothing.
func value(run results.Run, load results.Load, limiter string, m results.Measure) float64 {
	cell, _ := run.Cell(load)
	result, _ := cell.Result(limiter)
	return result.Value(m).Median
}

// byGoroutines shows how many decisions a second are made with how many goroutines.
func (r Report) byGoroutines(s Server) (figure, bool) {
	var panels []panel
	for _, g := range s.mainGroups() {
		var ticks []plot.Tick
		for _, load := range g.loads {
			ticks = append(ticks, plot.Tick{Value: float64(load.Goroutines), Label: count(load.Goroutines)})
		}
		last := ticks[len(ticks)-1].Value
		x := axis{label: "goroutines", log: true, named: ticks, ends: &[2]float64{ticks[0].Value / 1.2, last * 1.2}}
		p := panel{title: g.title(), x: x, y: axis{label: "decisions a second", log: true, tell: amount}}
		for i, l := range r.drawn() {
			var points plotter.XYs
			for _, load := range g.loads {
				if v := value(s.Inputs[0].Run, load, l.Name, results.Throughput); v > 0 {
					points = append(points, plotter.XY{X: float64(load.Goroutines), Y: v})
				}
			}
			p.line(i, points, true)
		}
		panels = append(panels, p)
	}
	return lineFigure("Decisions a second, by how many goroutines ask.", r.drawn(), panels)
}

// byDenials shows what a decision costs the server by how many are denials, with the most goroutines.
func (r Report) byDenials(s Server) (figure, bool) {
	m := s.cpu()
	closed := slices.DeleteFunc(s.groups(), group.open)
	var panels []panel
	for first := 0; first < len(closed); {
		kind := closed[first].loads[0]
		after := first
		for after < len(closed) && closed[after].loads[0].Keys == kind.Keys && closed[after].loads[0].Zipf == kind.Zipf {
			after++
		}
		loads := withMostGoroutines(closed[first:after])
		first = after
		if len(loads) < 2 {
			continue
		}
		var ticks []plot.Tick
		for _, load := range loads {
			ticks = append(ticks, plot.Tick{Value: load.Denials, Label: percent(load.Denials)})
		}
		p := panel{
			title: plural(kind.Keys, "key") + ", " + plural(loads[0].Goroutines, "goroutine"),
			x:     axis{label: "denied", named: ticks, ends: &[2]float64{loads[0].Denials - 3, loads[len(loads)-1].Denials + 3}},
			y:     axis{label: "µs a decision", tell: brief},
		}
		for i, l := range r.drawn() {
			var points plotter.XYs
			for _, load := range loads {
				if v := value(s.Inputs[0].Run, load, l.Name, m.Measure); v > 0 {
					points = append(points, plotter.XY{X: load.Denials, Y: v})
				}
			}
			p.line(i, points, true)
		}
		panels = append(panels, p)
	}
	return lineFigure(m.title+", by the share of requests that are denied.", r.drawn(), panels)
}

// withMostGoroutines returns a load of each group, all with the same number of goroutines, which is the
// most that all of them have; none if they have none in common.
func withMostGoroutines(groups []group) (loads []results.Load) {
	for _, load := range slices.Backward(groups[0].loads) {
		loads = nil
		for _, g := range groups {
			at := slices.IndexFunc(g.loads, func(l results.Load) bool { return l.Goroutines == load.Goroutines })
			if at >= 0 {
				loads = append(loads, g.loads[at])
			}
		}
		if len(loads) == len(groups) {
			return loads
		}
	}
	return nil
}

// The part of the latencies that is shown, as percentiles.
var percentiles = []struct {
	at    float64
	label string
}{{50, "50"}, {90, "90"}, {99, "99"}, {99.9, "99.9"}, {99.99, "99.99"}}

// nines returns where a percentile is on an axis on which each further nine is as far away.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }

// byPercentile shows how long the slower requests take, for each number of goroutines.
func (r Report) byPercentile(s Server) (figure, bool) {
	main := s.mainGroups()
	if len(main) == 0 {
		return figure{}, false
	}
	g := main[len(main)/2]
	first, last := percentiles[0].at, percentiles[len(percentiles)-1].at
	x := axis{label: "percentile", ends: &[2]float64{nines(first), nines(last) + 0.05}}
	for _, p := range percentiles {
		x.named = append(x.named, plot.Tick{Value: nines(p.at), Label: p.label})
	}
	var panels []panel
	for _, load := range g.loads {
		p := panel{title: plural(load.Goroutines, "goroutine"), x: x, y: axis{label: "µs", log: true, tell: amount}}
		cell, _ := s.Inputs[0].Run.Cell(load)
		for i, l := range r.drawn() {
			result, _ := cell.Result(l.Name)
			var points plotter.XYs
			for _, point := range result.Latency.Points {
				if point[0] >= first && point[0] <= last && point[1] > 0 {
					points = append(points, plotter.XY{X: nines(point[0]), Y: point[1]})
				}
			}
			if len(points) > 1 {
				p.line(i, points, false)
			}
		}
		panels = append(panels, p)
	}
	return lineFigure("Latency by percentile, with "+g.title()+".", r.drawn(), panels)
}

// byEvents shows what a key takes by how many events it has admitted: of those for which that differs,
// and of as many others as there is room for.
func (r Report) byEvents(s Server) (figure, bool) {
	p := panel{
		title: "Memory of a key",
		x:     axis{label: "events admitted", log: true, tell: amount},
		y:     axis{label: "bytes", log: true, tell: amount},
	}
	points := map[string]plotter.XYs{}
	for _, m := range s.Inputs[0].Run.Memory {
		if m.Events > 0 && m.Bytes > 0 {
			points[m.Limiter] = append(points[m.Limiter], plotter.XY{X: float64(m.Events), Y: float64(m.Bytes)})
		}
	}
	var limiters []limiter
	pick := func(l limiter) {
		// Over another client the same is stored: one of the two is enough.
		if own := points[l.Name]; len(own) > 0 && !slices.ContainsFunc(limiters, func(o limiter) bool {
			return o.Name == l.Name || o.Module == l.Module && o.Definition == l.Definition && slices.Equal(points[o.Name], own)
		}) {
			limiters = append(limiters, l)
		}
	}
	for _, l := range r.Limiters {
		if own := points[l.Name]; len(own) > 1 && own[len(own)-1].Y > 1.5*own[0].Y {
			pick(l)
		}
	}
	for _, l := range r.drawn() {
		pick(l)
	}
	limiters = limiters[:min(len(limiters), mostDrawn)]
	for i, l := range limiters {
		p.line(i, points[l.Name], true)
	}
	return lineFigure("Memory that a key takes on the server, by how many events it has admitted.", limiters, []panel{p})
}

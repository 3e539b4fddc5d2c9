package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/results"
)

const panelHeight vg.Length = 250

// ratioAxis is one that shows ratios.
func ratioAxis(label string) axis { return axis{label: label, log: true, tell: brief} }

// rows is an axis with a row for each limiter, from the top.
func rows(limiters []limiter) axis {
	var ticks []plot.Tick
	for i, l := range limiters {
		ticks = append(ticks, plot.Tick{Value: float64(-i), Label: shortened(l.Name)})
	}
	return axis{named: ticks, ends: &[2]float64{-float64(len(limiters)) + 0.4, 0.6}}
}

// shortened returns a limiter's name as a chart has room for it.
func shortened(name string) string {
	if runes := []rune(name); len(runes) > 24 {
		return string(runes[:23]) + "…"
	}
	return name
}

// rowsHeight is how high a panel of rows is, each with so many lanes.
func rowsHeight(limiters []limiter, lanes int) vg.Length {
	return 66 + vg.Length(max(26, 7*lanes)*len(limiters))
}

// beside returns the limiters that are drawn, without the baseline.
func (r Report) beside() []limiter { return r.drawn()[1:] }

// cpu returns the measure of the server's CPU that the server's runs tell.
func (s Server) cpu() shownMeasure {
	for _, in := range s.Inputs {
		for _, cell := range in.Run.Cells {
			for _, result := range cell.Results {
				if result.Value(results.ServerCPU).N > 0 {
					return serverCPU
				}
			}
		}
	}
	return commandCPU
}

// ratioFigure shows the ratios of a group's loads, with their spread.
func (r Report) ratioFigure(s Server, g group) (figure, bool) {
	limiters := r.beside()
	measures := []shownMeasure{throughput, s.cpu()}
	if g.open() {
		measures = []shownMeasure{p99, s.cpu()}
	}
	var signs []picture.Sign
	for i, load := range g.loads {
		signs = append(signs, lookOf(i).sign(plural(load.Goroutines, "goroutine"), false))
	}
	var panels []panel
	for _, m := range measures {
		p := panel{title: m.title, x: ratioAxis("÷ " + r.Baseline), y: rows(limiters), one: true}
		for i, load := range g.loads {
			own := series{look: lookOf(i), marked: true}
			for row, l := range limiters {
				for n, in := range s.Inputs {
					ratio := in.Run.Ratio(load, l.Name, r.Baseline, m.Measure)
					if ratio.N == 0 {
						continue
					}
					lane, lanes := i*len(s.Inputs)+n, len(g.loads)*len(s.Inputs)
					own.points = append(own.points, plotter.XY{X: ratio.Median, Y: -float64(row) + 0.3 - 0.6*(float64(lane)+0.5)/float64(lanes)})
					own.low, own.high = append(own.low, ratio.Low), append(own.high, ratio.High)
				}
			}
			if len(own.points) > 0 {
				p.series = append(p.series, own)
			}
		}
		if len(p.series) > 0 {
			panels = append(panels, p)
		}
	}
	if len(panels) == 0 {
		return figure{}, false
	}
	alt := fmt.Sprintf("Ratios of %s to %s under %s; the tables below show the same.", listed(limiterNames(limiters)), r.Baseline, g.title())
	caption := say("Ratios to ").plus(name(r.Baseline)).and(", which is the upright line; the bars are the spread of the rounds.")
	return figureOf(caption, alt, signs, panels, rowsHeight(limiters, len(g.loads)*len(s.Inputs))), true
}

func limiterNames(limiters []limiter) (names []string) {
	for _, l := range limiters {
		names = append(names, l.Name)
	}
	return names
}

// serverFigures returns the charts of a server: of its first run, where there are several.
func (r Report) serverFigures(s Server) (blocks []block) {
	if left := len(r.Limiters) - len(r.drawn()); left > 0 && r.hasCells(s) {
		blocks = append(blocks, onPage{paragraph(say(fmt.Sprintf("The charts show %s; %s more in the tables.", listed(limiterNames(r.drawn())), are(left))))})
	}
	if len(s.Inputs) > 1 {
		blocks = append(blocks, onPage{paragraph(say("Where a chart shows values and not ratios, they are those of the first run."))})
	}
	for _, make := range []func(Server) (figure, bool){r.overview, r.byGoroutines, r.byDenials, r.byPercentile, r.byEvents} {
		if f, ok := make(s); ok {
			blocks = append(blocks, f)
		}
	}
	return blocks
}

func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return strconv.Itoa(n) + " are"
}

// overview shows, for each limiter, its ratios in all cells of the server.
func (r Report) overview(s Server) (figure, bool) {
	limiters := r.beside()
	var panels []panel
	for _, m := range []shownMeasure{throughput, s.cpu(), p50, p99} {
		p := panel{title: m.title, x: ratioAxis("÷ " + r.Baseline), y: rows(limiters), one: true}
		for row, l := range limiters {
			own := Report{Inputs: s.Inputs, Servers: []Server{s}}
			all := own.everywhere(pair{l, r.Limiters[0]}, m.Measure)
			if len(all) == 0 {
				continue
			}
			p.series = append(p.series, series{
				look: lookOf(row + 1), marked: true, points: plotter.XYs{{X: middle(all), Y: -float64(row)}},
				low: []float64{all[0].median}, high: []float64{all[len(all)-1].median},
			})
		}
		if len(p.series) > 0 {
			panels = append(panels, p)
		}
	}
	if len(panels) == 0 || len(limiters) == 0 {
		return figure{}, false
	}
	caption := say("All cells: the median of the ratios to ").plus(name(r.Baseline)).and(", which is the upright line, and the lowest and the highest.")
	alt := fmt.Sprintf("For %s, the median, lowest and highest ratio to %s over all cells.", listed(limiterNames(limiters)), r.Baseline)
	return figureOf(caption, alt, nil, panels, rowsHeight(limiters, 1)), true
}

// mainGroups returns the closed loops with the most keys, of which some charts are.
func (s Server) mainGroups() (main []group) {
	closed := slices.DeleteFunc(s.groups(), group.open)
	if len(closed) == 0 {
		return nil
	}
	last := closed[len(closed)-1].loads[0]
	for _, g := range closed {
		if l := g.loads[0]; l.Keys == last.Keys && l.Zipf == last.Zipf {
			main = append(main, g)
		}
	}
	return main
}

// lineSigns is the legend of charts with a line for each of the limiters that has one.
func lineSigns(limiters []limiter, panels []panel) (signs []picture.Sign) {
	for i, l := range limiters {
		color := lookOf(i).line.Color
		if slices.ContainsFunc(panels, func(p panel) bool {
			return slices.ContainsFunc(p.series, func(s series) bool { return s.look.line.Color == color })
		}) {
			signs = append(signs, lookOf(i).sign(shortened(l.Name), true))
		}
	}
	return signs
}

// lineFigure returns the figure of panels with a line for each limiter, if there is any line.
func lineFigure(caption string, limiters []limiter, panels []panel) (figure, bool) {
	panels = slices.DeleteFunc(panels, func(p panel) bool { return len(p.series) == 0 })
	if len(panels) == 0 {
		return figure{}, false
	}
	var titles []string
	for _, p := range panels {
		titles = append(titles, p.title)
	}
	alt := caption + " For " + listed(limiterNames(limiters)) + ": " + strings.Join(titles, "; ") + "."
	return figureOf(say(caption), alt, lineSigns(limiters, panels), panels, panelHeight), true
}

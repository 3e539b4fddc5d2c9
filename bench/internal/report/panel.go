package report

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A panel is one of the charts of a figure.
type panel struct {
	title  string
	x, y   axis
	one    bool // there is a line at 1, on the x axis
	series []series
}

// A series is what a panel shows of one thing.
type series struct {
	look   look
	points plotter.XYs
	low    []float64 // how far each point may as well be to the left, and to the right; nil if not
	high   []float64
	joined bool // by a line
	marked bool // by a glyph at each point
}

// An axis is one of a panel's two. What it shows as value is what the points have as number.
type axis struct {
	label string
	log   bool
	named []plot.Tick                // these ticks and no others
	ends  *[2]float64                // where it ends; without, where the points do
	tell  func(value float64) string // a tick's label
}

// figureOf returns the picture of some panels, in two columns and on a phone in one, under a legend.
func figureOf(caption text, alt string, signs []picture.Sign, panels []panel, height vg.Length) figure {
	layout := func(narrow bool) (columns, rows int, width vg.Length) {
		columns, width = 2, picture.Wide
		if narrow {
			columns, width = 1, picture.Narrow
		}
		columns = min(columns, len(panels))
		return columns, (len(panels) + columns - 1) / columns, width
	}
	legend := func(narrow bool) vg.Length {
		if len(signs) == 0 {
			return 0
		}
		_, _, width := layout(narrow)
		return picture.Legend(draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: width - 2*edge}}}, signs) + 8
	}
	total := func(narrow bool) vg.Length {
		_, rows, _ := layout(narrow)
		return legend(narrow) + vg.Length(rows)*height + 2*edge
	}
	return figure{caption, picture.Inline(alt, total(false), total(true), func(c draw.Canvas, narrow bool) {
		c = draw.Crop(c, edge, -edge, edge, -edge)
		if len(signs) > 0 {
			picture.Legend(c, signs)
		}
		c.Max.Y -= legend(narrow)
		columns, _, _ := layout(narrow)
		width := (c.Max.X - c.Min.X) / vg.Length(columns)
		for i, p := range panels {
			own := c
			own.Min.X += vg.Length(i%columns) * width
			own.Max.X = own.Min.X + width
			own.Max.Y -= vg.Length(i/columns) * height
			own.Min.Y = own.Max.Y - height
			p.draw(draw.Crop(own, 2, -10, 4, -4))
		}
	})}
}

const edge vg.Length = 4

// draw draws a panel.
func (p panel) draw(c draw.Canvas) {
	title := picture.Bold(picture.Style(picture.Small, picture.Ink))
	c.FillText(title, vg.Point{X: c.Min.X, Y: c.Max.Y - 8}, p.title)
	c.Max.Y -= 20
	chart := picture.NewPlot()
	values := [2][]float64{}
	for _, s := range p.series {
		for i, point := range s.points {
			values[0], values[1] = append(values[0], point.X), append(values[1], point.Y)
			if s.low != nil {
				values[0] = append(values[0], s.low[i], s.high[i])
			}
		}
	}
	if p.one {
		values[0] = append(values[0], 1)
	}
	width := c.Max.X - c.Min.X - 60
	p.x.named = p.x.thinned(width, 40)
	p.x.set(&chart.X, values[0], width, 52)
	p.y.set(&chart.Y, values[1], c.Max.Y-c.Min.Y-40, 26)
	chart.X.Label.Padding = 4
	grid := plotter.NewGrid()
	grid.Vertical = draw.LineStyle{Color: picture.Grid, Width: 1}
	grid.Horizontal = grid.Vertical
	chart.Add(grid)
	if p.one {
		line := &plotter.Line{XYs: plotter.XYs{{X: 1, Y: chart.Y.Min}, {X: 1, Y: chart.Y.Max}}, LineStyle: draw.LineStyle{Color: picture.Ink, Width: 1.2}}
		chart.Add(line)
	}
	for _, s := range p.series {
		s.add(chart)
	}
	chart.Draw(c)
}

func (s series) add(chart *plot.Plot) {
	if s.low != nil {
		for i, point := range s.points {
			if s.high[i] > s.low[i] {
				style := s.look.line
				style.Dashes, style.Width = nil, 1.4
				chart.Add(&plotter.Line{XYs: plotter.XYs{{X: s.low[i], Y: point.Y}, {X: s.high[i], Y: point.Y}}, LineStyle: style})
			}
		}
	}
	if s.joined {
		chart.Add(&plotter.Line{XYs: s.points, LineStyle: s.look.line})
	}
	if s.marked {
		chart.Add(&plotter.Scatter{XYs: s.points, GlyphStyle: s.look.glyph})
	}
}

// set gives a plot's axis this one's ends and ticks, as many as fit on a length when each needs room.
func (a axis) set(to *plot.Axis, values []float64, length, room vg.Length) {
	to.Label.Text = a.label
	low, high := math.Inf(1), math.Inf(-1)
	for _, value := range values {
		low, high = min(low, value), max(high, value)
	}
	if low > high {
		low, high = 1, 2
	}
	ticks := a.named
	switch {
	case a.named != nil:
	case a.log:
		low, high = low/1.12, high*1.12
		ticks = logTicks(low, high, int(length/room))
	default:
		low = min(low, 0)
		high += (high - low) * 0.08
		if high <= low {
			high = low + 1
		}
		ticks = levelTicks(high, int(length/room))
	}
	if a.ends != nil {
		low, high = a.ends[0], a.ends[1]
	}
	for i := range ticks {
		if a.named == nil && a.tell != nil {
			ticks[i].Label = a.tell(ticks[i].Value)
		}
	}
	if a.log {
		to.Scale = plot.LogScale{}
	}
	to.Min, to.Max, to.Padding = low, high, 0
	to.Tick.Marker = plot.ConstantTicks(ticks)
}

// thinned returns the axis' named ticks, without the labels of those that are too close to the one before
// for both to have the room that a label needs on an axis of that length.
func (a axis) thinned(length, room vg.Length) []plot.Tick {
	if a.named == nil {
		return nil
	}
	place := func(value float64) float64 {
		if a.log {
			return math.Log(value)
		}
		return value
	}
	whole := place(a.ends[1]) - place(a.ends[0])
	ticks := slices.Clone(a.named)
	last := math.Inf(-1)
	for i, tick := range ticks {
		at := place(tick.Value) / whole
		if vg.Length(at-last)*length < room {
			ticks[i].Label = ""
			continue
		}
		last = at
	}
	return ticks
}

// logTicks returns round numbers between two, at most most of them if that can be.
func logTicks(low, high float64, most int) (ticks []plot.Tick) {
	for _, steps := range [][]float64{{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8}, {1, 1.5, 2, 3, 5, 7}, {1, 2, 5}, {1, 3}, {1}, nil} {
		ticks = nil
		first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
		every := 1
		if steps == nil {
			steps, every = []float64{1}, 1+(last-first)/max(1, most)
		}
		for decade := first; decade <= last; decade += every {
			for _, step := range steps {
				if value := step * math.Pow10(decade); value >= low && value <= high {
					ticks = append(ticks, plot.Tick{Value: value})
				}
			}
		}
		if len(ticks) <= most {
			break
		}
	}
	return ticks
}

// levelTicks returns round numbers from 0 to high, at most most of them.
func levelTicks(high float64, most int) (ticks []plot.Tick) {
	step := math.Pow10(int(math.Floor(math.Log10(high))) - 1)
	for _, factor := range []float64{1, 2, 5, 10, 20, 50, 100} {
		if high/(step*factor) < float64(max(2, most)) {
			step *= factor
			break
		}
	}
	for i := 0; float64(i)*step <= high; i++ {
		ticks = append(ticks, plot.Tick{Value: float64(i) * step})
	}
	return ticks
}

// amount returns a tick's label: 0.5, 20, 5k, 2M.
func amount(value float64) string {
	switch {
	case value >= 999_500:
		return brief(value/1e6) + "M"
	case value >= 9995:
		return brief(value/1e3) + "k"
	}
	return brief(value)
}

package demo

import (
	"fmt"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A figure shows how many requests each kind let through over time, beside what the limit lets through. It
// has a row for each kind, and in it a chart for each drive. All charts of a drive have the same axes.
type figure struct {
	report
	axes []axes // of each drive
}

type axes struct{ seconds, most float64 }

func newFigure(r report) figure {
	f := figure{report: r}
	for _, o := range r.Outcomes {
		a := axes{seconds: max(o.load.Over, o.load.For).Seconds(), most: 1}
		for _, c := range o.all {
			a.most = max(a.most, float64(len(c.admitted)), float64(c.high))
			if n := len(c.requests); n > 0 {
				a.seconds = max(a.seconds, c.requests[n-1].answered.Seconds())
			}
		}
		f.axes = append(f.axes, a)
	}
	return f
}

// alt says in words what the figure shows.
func (f figure) alt() string {
	var b strings.Builder
	b.WriteString("How many requests came through over time, beside how many the limit lets through.")
	for i, k := range f.Kinds {
		b.WriteString(" " + k.Name)
		separator := ": "
		for _, o := range f.Outcomes {
			b.WriteString(separator + o.caption(i))
			separator = ", "
		}
		b.WriteString(".")
	}
	return b.String()
}

// caption returns the result of the i-th kind in words.
func (o outcome) caption(i int) string {
	return fmt.Sprintf("%s: %d of %s", o.limit, len(o.all[i].admitted), o.all[i].right())
}

// The dimensions of a figure.
const (
	chartHeight   vg.Length = 84
	captionHeight vg.Length = 17
	axisHeight    vg.Length = 21
	rowGap        vg.Length = 14
	gap           vg.Length = 6
	margin        vg.Length = 6
	left          vg.Length = 40 // the space beside a chart for the numbers, which have picture.LevelWidth
	right         vg.Length = 14 // the space for half of the label of the last time
)

// The lines of a figure.
var (
	admittedLine = draw.LineStyle{Color: picture.Admitted, Width: 2}
	excessLine   = draw.LineStyle{Color: picture.Denied, Width: 2}
	allowedLine  = draw.LineStyle{Color: picture.Ink, Width: 1.25, Dashes: []vg.Length{4, 3}}
)

// columns returns how many charts are side by side.
func (f figure) columns(narrow bool) int {
	if narrow {
		return 1
	}
	return min(len(f.Outcomes), 4)
}

// lines returns how many lines of charts a kind's row has.
func (f figure) lines(narrow bool) int {
	return (len(f.Outcomes) + f.columns(narrow) - 1) / f.columns(narrow)
}

const lineHeight = captionHeight + gap + chartHeight + axisHeight + gap

func (f figure) rowHeight(narrow bool) vg.Length {
	return captionHeight + vg.Length(f.lines(narrow))*lineHeight + rowGap
}

// height returns the height of the figure in one of the two widths.
func (f figure) height(narrow bool) vg.Length {
	width := picture.Wide
	if narrow {
		width = picture.Narrow
	}
	legend := picture.Legend(draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: width - 2*margin}}}, signs())
	return legend + rowGap + vg.Length(len(f.Kinds))*f.rowHeight(narrow) + 2*margin
}

// draw draws the figure.
func (f figure) draw(c draw.Canvas, narrow bool) {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	c.Max.Y -= picture.Legend(c, signs()) + rowGap
	name := picture.Bold(picture.Style(picture.Large, picture.Ink))
	width := (c.Max.X - c.Min.X) / vg.Length(f.columns(narrow))
	for i, k := range f.Kinds {
		c.FillText(name, vg.Point{X: c.Min.X, Y: c.Max.Y - captionHeight/2}, k.Name)
		for d := range f.Outcomes {
			line, column := d/f.columns(narrow), d%f.columns(narrow)
			own := c
			own.Max.Y -= captionHeight + vg.Length(line)*lineHeight
			own.Min.Y = own.Max.Y - lineHeight
			own.Min.X += vg.Length(column) * width
			own.Max.X = own.Min.X + width
			f.chart(own, d, i)
		}
		c.Max.Y -= f.rowHeight(narrow)
	}
}

// chart draws the result of one kind in a drive.
func (f figure) chart(c draw.Canvas, d, i int) {
	o, axes := f.Outcomes[d], f.axes[d]
	caption := picture.Style(picture.Small, picture.Muted)
	c.FillText(caption, vg.Point{X: c.Min.X, Y: c.Max.Y - captionHeight/2}, picture.Fitted(caption, o.caption(i), c.Max.X-c.Min.X-gap))
	frame := picture.Frame{X1: axes.seconds, Y1: axes.most * 1.05}
	frame.Canvas = draw.Crop(c, left, -right, axisHeight+gap, -captionHeight-gap)
	ticks := picture.TimeTicks{AtMost: 6, Width: frame.Max.X - frame.Min.X}.Ticks(0, axes.seconds)
	for _, tick := range ticks {
		frame.Rule(tick.Value)
	}
	frame.Levels(picture.Round(axes.most)...)
	style, color := admittedLine, picture.Admitted
	if o.all[i].off() > 0 {
		style, color = excessLine, picture.Denied
	}
	admitted := frame.Line(steps(o.all[i].admitted), frame.X1)
	frame.FillUnder(admitted, color)
	frame.StrokeLines(style, admitted)
	frame.StrokeLines(allowedLine, frame.Line(steps(o.all[i].allowed), frame.X1))
	frame.Times(ticks, c.Min.X, c.Max.X)
}

// steps returns the number of these times over time.
func steps(times []time.Duration) (all []picture.Step) {
	for i, at := range times {
		all = append(all, picture.Step{X: at.Seconds(), Y: float64(i + 1)})
	}
	return all
}

// signs returns the figure's legend.
func signs() []picture.Sign {
	sample := func(style draw.LineStyle) func(draw.Canvas) {
		return func(c draw.Canvas) { c.StrokeLine2(style, c.Min.X, c.Center().Y, c.Max.X, c.Center().Y) }
	}
	return []picture.Sign{
		{Text: "requests that came through", Paint: sample(admittedLine)},
		{Text: "more than the limit lets through", Paint: sample(excessLine)},
		{Text: "what the limit lets through", Paint: sample(allowedLine)},
	}
}

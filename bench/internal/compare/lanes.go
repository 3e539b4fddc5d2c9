package compare

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// The lines of a figure.
var (
	passedLine  = draw.LineStyle{Color: picture.Admitted, Width: 1.5}
	overLine    = draw.LineStyle{Color: picture.Denied, Width: 8}
	limitLine   = draw.LineStyle{Color: picture.Ink, Width: 1.25, Dashes: []vg.Length{4, 3}}
	arrivedLine = draw.LineStyle{Color: picture.Muted, Width: 1}
	waitingLine = draw.LineStyle{Color: picture.Delayed, Width: 1.5}
)

// The heights of the ticks of requests: tall for those admitted at once, low for those delayed, and below the baseline for
// those denied.
const (
	tallTick = 11
	lowTick  = 5
	hanging  = -7
	baseline = 9 // above the bottom of the lane
)

// passed draws what passed in the last period, together with what arrived in it and the limit.
func (f figure) passed(frame picture.Frame, p part) {
	frame.Levels(0, f.rate)
	frame.StrokeLines(arrivedLine, frame.Line(within(p.arrived, f.first, f.last), frame.X1))
	steps := within(p.passed, f.first, f.last)
	line := frame.Line(steps, frame.X1)
	frame.FillUnder(line, picture.Admitted)
	frame.StrokeLines(passedLine, line)
	// Draw the part above the limit again, in another colour.
	for i := range steps {
		steps[i].Y = max(steps[i].Y, f.rate)
	}
	over := frame.Line(steps, frame.X1)
	limit := frame.Y(f.rate)
	area := slices.Concat(over, []vg.Point{{X: over[len(over)-1].X, Y: limit}, {X: over[0].X, Y: limit}})
	frame.FillPolygon(picture.Denied, area)
	frame.StrokeLine2(limitLine, frame.Min.X, frame.Y(f.rate), frame.Max.X, frame.Y(f.rate))
}

// summary is the run's totals in a few words.
func (p part) summary() string {
	totals := p.run.Totals
	text := fmt.Sprintf("%s admitted, %s denied (%s)", counted(totals.Admitted), counted(totals.Denied), percent(totals.Denied, totals.Requests))
	if totals.OverLimit > 0 {
		text += fmt.Sprintf(", %s over limit", counted(totals.OverLimit))
	}
	if totals.Delayed > 0 {
		text += fmt.Sprintf(", %s delayed", counted(totals.Delayed))
	}
	return text
}

// requests draws each request of a key at the time when it arrived.
func (f figure) requests(frame picture.Frame, times [3][]float64) {
	base := frame.Min.Y + baseline
	frame.StrokeLine2(draw.LineStyle{Color: picture.Grid, Width: 1}, frame.Min.X, base, frame.Max.X, base)
	frame.Ticks(between(times[refusedOnes], frame.X0, frame.X1), base+hanging, base-1, picture.Denied)
	frame.Ticks(between(times[delayed], frame.X0, frame.X1), base, base+lowTick, picture.Delayed)
	frame.Ticks(between(times[atOnce], frame.X0, frame.X1), base, base+tallTick, picture.Admitted)
}

// waiting draws how many requests wait in the queue.
func (f figure) waiting(frame picture.Frame, p part) {
	frame.Levels(0, f.room)
	line := frame.Line(within(p.curves.waiting, f.first, f.last), frame.X1)
	frame.FillUnder(line, picture.Delayed)
	frame.StrokeLines(waitingLine, line)
}

// signs returns the figure's legend.
func (f figure) signs() []picture.Sign {
	sample := func(style draw.LineStyle) func(draw.Canvas) {
		return func(c draw.Canvas) { c.StrokeLine2(style, c.Min.X, c.Center().Y, c.Max.X, c.Center().Y) }
	}
	tick := func(which int) func(draw.Canvas) {
		return func(c draw.Canvas) {
			c.Min.Y = c.Center().Y - baseline
			var times [3][]float64
			times[which] = []float64{2, 4, 6, 8}
			f.requests(picture.Frame{Canvas: c, X1: 10, Y1: 1}, times)
		}
	}
	of := ""
	if f.several {
		of = " of " + shortKey(f.keys[0], 30)
	}
	arrived := "arrived in it"
	if f.cutOff {
		arrived += ", continues above"
	}
	signs := []picture.Sign{
		{Text: "passed in the last " + f.period + of, Paint: sample(passedLine)},
		{Text: "more than the limit", Paint: sample(overLine)},
		{Text: "the limit", Paint: sample(limitLine)},
		{Text: arrived, Paint: sample(arrivedLine)},
		{Text: "request, admitted at once", Paint: tick(atOnce)},
	}
	for _, p := range f.parts {
		if len(p.curves.waiting) > 0 {
			signs = append(signs, picture.Sign{Text: "delayed", Paint: tick(delayed)}, picture.Sign{Text: "waiting in the queue", Paint: sample(waitingLine)})
		}
	}
	return append(signs, picture.Sign{Text: "denied", Paint: tick(refusedOnes)})
}

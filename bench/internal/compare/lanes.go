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
	admittedLine = draw.LineStyle{Color: picture.Admitted, Width: 2}
	idealLine    = draw.LineStyle{Color: picture.Ink, Width: 1.25, Dashes: []vg.Length{4, 3}}
	arrivedLine  = draw.LineStyle{Color: picture.Muted, Width: 1}
	quotaLine    = draw.LineStyle{Color: picture.Series[2], Width: 1.5}
	waitingLine  = draw.LineStyle{Color: picture.Delayed, Width: 1.5}
)

// The heights of requests: those that went through at once stand tall, those that were delayed are
// half as tall, and those that were denied hang.
const (
	tallTick = 11
	lowTick  = 5
	hanging  = -7
	baseline = 9 // above the bottom of the lane
)

// amount draws how much was admitted, against what arrived and what the limit allows.
func (p part) amount(f picture.Frame) {
	admitted := f.Line(p.admitted, f.X1)
	f.FillUnder(admitted, picture.Admitted)
	arrived, end := p.arrived, f.X1
	if above := slices.IndexFunc(arrived, func(s picture.Step) bool { return s.Y > f.Y1 }); above >= 0 {
		arrived, end = arrived[:above+1], arrived[above].X
	}
	f.StrokeLines(arrivedLine, f.Line(arrived, end))
	f.StrokeLines(admittedLine, admitted)
	f.StrokeLines(idealLine, f.Line(p.ideal, f.X1))
}

// summary is the run's totals in a few words.
func (p part) summary() string {
	totals := p.run.Totals
	text := fmt.Sprintf("%d admitted, %d denied", totals.Admitted, totals.Denied)
	if totals.OverLimit > 0 {
		text += fmt.Sprintf(", %d over limit", totals.OverLimit)
	}
	if totals.Delayed > 0 {
		text += fmt.Sprintf(", %d delayed", totals.Delayed)
	}
	return text
}

// requests draws each request where it arrived.
func (p part) requests(f picture.Frame) {
	base := f.Min.Y + baseline
	f.StrokeLine2(draw.LineStyle{Color: picture.Grid, Width: 1}, f.Min.X, base, f.Max.X, base)
	f.Ticks(p.times[refusedOnes], base+hanging, base-1, picture.Denied)
	f.Ticks(p.times[delayed], base, base+lowTick, picture.Delayed)
	f.Ticks(p.times[atOnce], base, base+tallTick, picture.Admitted)
}

// captions are what the lanes are called.
func (p part) captions() (amount, requests, quota string) {
	amount, requests, quota = "admitted", "requests", "remaining"
	if !p.run.Kind.Costs {
		quota = "waiting"
	} else if p.costs {
		amount = "admitted cost"
	}
	return amount, requests, quota
}

// quota draws the remaining quota, or how many wait.
func (p part) quota(f picture.Frame) {
	style, color := quotaLine, picture.Series[2]
	if !p.run.Kind.Costs {
		style, color = waitingLine, picture.Delayed
	}
	line := f.Line(p.left, f.X1)
	f.FillUnder(line, color)
	f.StrokeLines(style, line)
}

// signs is the figure's legend.
func (f figure) signs() []picture.Sign {
	sample := func(style draw.LineStyle) func(draw.Canvas) {
		return func(c draw.Canvas) { c.StrokeLine2(style, c.Min.X, c.Center().Y, c.Max.X, c.Center().Y) }
	}
	tick := func(which int) func(draw.Canvas) {
		return func(c draw.Canvas) {
			c.Min.Y = c.Center().Y - baseline
			var p part
			p.times[which] = []float64{2, 4, 6, 8}
			p.requests(picture.Frame{Canvas: c, X1: 10, Y1: 1})
		}
	}
	arrived := "arrived"
	if f.cutOff {
		arrived = "arrived, goes on above"
	}
	return []picture.Sign{
		{Text: "admitted", Paint: sample(admittedLine)},
		{Text: "allowed by rate and burst", Paint: sample(idealLine)},
		{Text: arrived, Paint: sample(arrivedLine)},
		{Text: "request, admitted at once", Paint: tick(atOnce)},
		{Text: "delayed", Paint: tick(delayed)},
		{Text: "denied", Paint: tick(refusedOnes)},
		{Text: "remaining quota", Paint: sample(quotaLine)},
		{Text: "waiting in the queue", Paint: sample(waitingLine)},
	}
}

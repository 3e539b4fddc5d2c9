package compare

import (
	"fmt"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A figure shows a comparison over time. It has a part for each algorithm. The parts are one below the other, with the same
// time axis. Each part has lanes: what passed in the last period, the requests of each key that is shown, and how many wait
// in the queue.
type figure struct {
	title       string
	answer      string
	suffix      string // the end of its file's name, before the extension
	keys        []string
	several     bool // whether there are several keys
	parts       []part
	rate        float64
	period      string
	clock       picture.Clock
	first, last float64 // the ends of the time axis
	most        float64 // the upper end of the axis of what passed, the same in all parts
	room        float64 // the upper end of the axis of how many wait
	cutOff      bool    // whether more arrived than there is room for
}

type part struct {
	curves
	run Run
}

// The heights of the lanes, and the space around them. A lane is one of the charts of a part, such as the requests of a key.
const (
	passedHeight  vg.Length = 84
	requestHeight vg.Length = 22
	waitingHeight vg.Length = 34
	laneGap       vg.Length = 6
	captionHeight vg.Length = 17
	axisHeight    vg.Length = 21
	partGap       vg.Length = 16
	margin        vg.Length = 6

	// The widths of the space beside the lanes.
	leftWide   vg.Length = 150 // for the captions, and the numbers of the levels
	leftNarrow vg.Length = 40  // for the numbers, which have picture.LevelWidth
	right      vg.Length = 16  // for half of the label of the last time
)

// longSpan is the number of periods above which a figure is too long to show what happens within one period.
const longSpan = 20

// figures returns the comparison's figure. If it spans many periods, figures also returns a figure of the periods around the
// worst one.
func (c Comparison) figures() []figure {
	first, last := c.span()
	if first <= last/2 {
		first = 0
	}
	last = max(last, first+time.Millisecond)
	whole := c.figure(first, last)
	if last-first <= longSpan*c.Trace.Limit.Period {
		return []figure{whole}
	}
	// Find the time when most had passed of the first key, under any algorithm.
	worst, at := 0.0, first
	for _, p := range whole.parts {
		for _, s := range p.passed {
			if s.Y > worst {
				worst, at = s.Y, time.Duration(s.X*float64(time.Second))
			}
		}
	}
	from := max(first, at-3*c.Trace.Limit.Period)
	closer := c.figure(from, min(last, from+5*c.Trace.Limit.Period))
	closer.title, closer.suffix = closer.title+", the worst periods", " closer"
	return []figure{whole, closer}
}

// figure returns the figure for the time from first to last.
func (c Comparison) figure(first, last time.Duration) figure {
	f := figure{
		title: c.Title(), answer: c.Answer(), keys: c.shown(), several: len(c.Requests) > 1,
		rate: float64(c.Trace.Limit.Rate), period: picture.ShortTime(c.Trace.Limit.Period),
		clock: picture.Clock{Start: c.Trace.Start}, first: first.Seconds(), last: last.Seconds(), room: 1,
	}
	f.most = max(f.rate, 1)
	arrived := 0.0
	for _, run := range c.Runs {
		p := part{c.curves(run, f.keys), run}
		f.parts = append(f.parts, p)
		f.most = max(f.most, highest(p.passed))
		f.room = max(f.room, highest(p.waiting))
		arrived = max(arrived, highest(p.arrived))
	}
	if f.most *= 1.15; arrived <= 1.5*f.most {
		f.most = max(f.most, arrived)
	} else {
		f.cutOff = true
	}
	return f
}

func highest(steps []picture.Step) (y float64) {
	for _, s := range steps {
		y = max(y, s.Y)
	}
	return y
}

// alt says in words what the figure shows.
func (f figure) alt() string {
	return fmt.Sprintf("What each algorithm let through in the last %s, over time, against the limit. %s", f.period, f.answer)
}

// height returns the height of the figure in one of the two widths.
func (f figure) height(narrow bool) vg.Length {
	height := f.head(draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: width(narrow) - 2*margin}}}) + 2*margin
	for _, p := range f.parts {
		height += f.partHeight(p, narrow)
	}
	return height
}

func width(narrow bool) vg.Length {
	if narrow {
		return picture.Narrow
	}
	return picture.Wide
}

func (f figure) partHeight(p part, narrow bool) vg.Length {
	captions := 1 // for the algorithm
	if narrow {
		captions += 2 // for its totals and the first lane
	}
	height := laneGap + passedHeight + axisHeight + partGap
	for range f.keys {
		height += laneGap + requestHeight
		if narrow && f.several {
			captions++
		}
	}
	if len(p.waiting) > 0 {
		height += laneGap + waitingHeight
		if narrow {
			captions++
		}
	}
	return height + vg.Length(captions)*captionHeight
}

// head draws the title and the legend, which are above the parts, and returns their height. Without a canvas it draws
// nothing.
func (f figure) head(c draw.Canvas) vg.Length {
	top := c.Max.Y
	if f.title != "" {
		line(c, picture.Bold(picture.Style(picture.Large, picture.Ink)), f.title)
		c.Max.Y -= captionHeight + laneGap
	}
	c.Max.Y -= picture.Legend(c, f.signs())
	return top - c.Max.Y + partGap
}

// line draws a line of text at the top left of a canvas. It cuts the text if there is no room for it.
func line(c draw.Canvas, style draw.TextStyle, text string) {
	if c.Canvas == nil {
		return
	}
	c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y - captionHeight/2}, picture.Fitted(style, text, c.Max.X-c.Min.X))
}

// draw draws the figure.
func (f figure) draw(c draw.Canvas, narrow bool) {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	c.Max.Y -= f.head(c)
	for _, p := range f.parts {
		own := c
		own.Min.Y = c.Max.Y - f.partHeight(p, narrow)
		f.part(own, p, narrow)
		c.Max.Y = own.Min.Y
	}
}

// part draws the part of one algorithm.
func (f figure) part(c draw.Canvas, p part, narrow bool) {
	name := picture.Bold(picture.Style(picture.Large, picture.Ink))
	line(c, name, p.run.Name())
	beside := c
	if narrow {
		c.Max.Y -= captionHeight
		beside = c
	} else {
		beside.Min.X += name.Width(p.run.Name()) + 10
	}
	line(beside, caption, p.summary())
	c.Max.Y -= captionHeight + laneGap

	times := picture.TimeTicks{Clock: f.clock, AtMost: 11, Width: c.Max.X - c.Min.X - leftWide - right}
	if narrow {
		times.AtMost, times.Width = 6, c.Max.X-c.Min.X-leftNarrow-right
	}
	ticks := times.Ticks(f.first, f.last)
	var lowest picture.Frame
	lane := func(text string, height vg.Length, upper float64) picture.Frame {
		lowest = picture.Frame{X0: f.first, X1: f.last, Y1: upper}
		lowest.Canvas, c = cut(c, text, height, narrow)
		for _, tick := range ticks {
			lowest.Rule(tick.Value)
		}
		return lowest
	}
	f.passed(lane("passed in the last "+f.period, passedHeight, f.most), p)
	for i, key := range f.keys {
		text := shortKey(key, 200)
		if !f.several {
			text = "requests"
			if narrow {
				text = ""
			}
		}
		f.requests(lane(text, requestHeight, 1), p.times[i])
	}
	if len(p.waiting) > 0 {
		f.waiting(lane("waiting in the queue", waitingHeight, f.room), p)
	}
	lowest.Times(ticks, c.Min.X, c.Max.X)
}

// caption is the style of captions and other less important texts.
var caption = picture.Style(picture.Small, picture.Muted)

// cut cuts a lane of that height from the top of a canvas, and draws its caption: to the left of the lane, or above it if
// the figure is narrow.
func cut(c draw.Canvas, text string, height vg.Length, narrow bool) (lane, rest draw.Canvas) {
	at, left, room := vg.Point{X: c.Min.X, Y: c.Max.Y - height/2}, leftWide, leftWide-picture.LevelWidth
	if narrow {
		at, left, room = vg.Point{X: c.Min.X + leftNarrow, Y: c.Max.Y - captionHeight/2 + 2}, leftNarrow, c.Max.X-c.Min.X-leftNarrow
		if text != "" {
			c.Max.Y -= captionHeight
		}
	}
	c.FillText(caption, at, picture.Fitted(caption, text, room))
	lane, rest = draw.Crop(c, left, -right, 0, 0), c
	lane.Min.Y = c.Max.Y - height
	rest.Max.Y = lane.Min.Y - laneGap
	return lane, rest
}

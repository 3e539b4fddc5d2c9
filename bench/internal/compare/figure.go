package compare

import (
	"fmt"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A figure shows a comparison over time: a part for each algorithm, one under the other on the same
// time axis. Each part has three lanes: how much was admitted, the requests, and the remaining quota.
type figure struct {
	title       string
	parts       []part
	first, last float64 // the ends of the time axis
	most        float64 // the upper end of how much was admitted, the same in all parts
	room        float64 // the upper end of the remaining quota or of how many wait
	cutOff      bool    // more arrived than there is room to show
	keys        bool    // there are several
	key         string  // the one whose quota is shown, the busiest
}

type part struct {
	curves
	run   Run
	costs bool // the trace has costs
}

// The lanes' heights, and what is around them.
const (
	amountHeight  vg.Length = 84
	requestHeight vg.Length = 22
	quotaHeight   vg.Length = 34
	laneGap       vg.Length = 6
	captionHeight vg.Length = 17
	axisHeight    vg.Length = 18
	partGap       vg.Length = 16
	margin        vg.Length = 6

	// Beside the lanes.
	leftWide   vg.Length = 110 // the captions, and the numbers of the levels
	leftNarrow vg.Length = 40  // the numbers, of picture.LevelWidth
	right      vg.Length = 16  // half of the last time
)

func newFigure(c Comparison) figure {
	first, last := c.span()
	if first <= last/2 {
		first = 0
	}
	last = max(last, first+time.Millisecond)
	f := figure{
		title: fmt.Sprintf("%s, limit %s", c.Trace.Name, c.Trace.Limit),
		first: first.Seconds(), last: last.Seconds(), most: 1, room: 1,
		keys: c.Trace.Keys() > 1, key: busiest(c.Trace.Arrivals),
	}
	arrived := 0.0
	for _, run := range c.Runs {
		p := part{c.curves(run), run, c.Trace.Costs()}
		f.parts = append(f.parts, p)
		f.most = max(f.most, final(p.ideal), final(p.admitted))
		arrived = max(arrived, final(p.arrived))
		for _, step := range p.left {
			f.room = max(f.room, step.Y)
		}
	}
	if f.cutOff = arrived > 3*f.most; f.cutOff {
		f.most *= 1.25
	} else {
		f.most = max(f.most, arrived)
	}
	return f
}

// alt says in words what the figure shows.
func (f figure) alt() string {
	var b strings.Builder
	b.WriteString("What each algorithm made of the requests over time.")
	for _, p := range f.parts {
		b.WriteString(" " + p.run.Kind.Name + ": " + p.summary() + ".")
	}
	return b.String()
}

// final is what the last step comes to.
func final(steps []picture.Step) float64 {
	if len(steps) == 0 {
		return 0
	}
	return steps[len(steps)-1].Y
}

// height returns how high the figure is, drawn in one of the two widths.
func (f figure) height(narrow bool) vg.Length {
	return f.head(draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: width(narrow) - 2*margin}}}) +
		vg.Length(len(f.parts))*partHeight(narrow) + 2*margin
}

func width(narrow bool) vg.Length {
	if narrow {
		return picture.Narrow
	}
	return picture.Wide
}

func partHeight(narrow bool) vg.Length {
	height := captionHeight + laneGap + amountHeight + laneGap + requestHeight + laneGap + quotaHeight + axisHeight + partGap
	if narrow {
		height += 3 * captionHeight // of the summary and of two lanes
	}
	return height
}

// head draws what stands above the parts, and returns how high it is. Without a canvas it draws nothing.
func (f figure) head(c draw.Canvas) vg.Length {
	top := c.Max.Y
	if f.title != "" {
		line(c, picture.Bold(picture.Style(picture.Large, picture.Ink)), f.title)
		c.Max.Y -= captionHeight + laneGap
	}
	c.Max.Y -= picture.Legend(c, f.signs())
	if f.keys {
		line(c, caption, "Remaining and waiting: of the busiest key, "+f.key)
		c.Max.Y -= captionHeight
	}
	return top - c.Max.Y + partGap
}

// line draws a line of text at the top left of a canvas, as much of it as there is room for.
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
		own.Min.Y = c.Max.Y - partHeight(narrow)
		f.part(own, p, narrow)
		c.Max.Y = own.Min.Y
	}
}

// part draws what one algorithm made of the trace.
func (f figure) part(c draw.Canvas, p part, narrow bool) {
	name := picture.Bold(picture.Style(picture.Large, picture.Ink))
	line(c, name, p.run.Kind.Name)
	beside := c
	if narrow {
		c.Max.Y -= captionHeight
		beside = c
	} else {
		beside.Min.X += name.Width(p.run.Kind.Name) + 10
	}
	line(beside, caption, p.summary())
	c.Max.Y -= captionHeight + laneGap

	times := picture.TimeTicks{AtMost: 11, Width: c.Max.X - c.Min.X - leftWide - right}
	amountCaption, requestCaption, quotaCaption := p.captions()
	if narrow {
		times.AtMost, times.Width, requestCaption = 6, c.Max.X-c.Min.X-leftNarrow-right, ""
	}
	ticks := times.Ticks(f.first, f.last)
	lane := func(text string, height vg.Length, upper float64) picture.Frame {
		frame := picture.Frame{X0: f.first, X1: f.last, Y1: upper}
		frame.Canvas, c = cut(c, text, height, narrow)
		for _, tick := range ticks {
			frame.Rule(tick.Value)
		}
		return frame
	}
	amount := lane(amountCaption, amountHeight, f.most)
	amount.Levels(picture.Round(f.most)...)
	p.amount(amount)
	p.requests(lane(requestCaption, requestHeight, 1))
	quota := lane(quotaCaption, quotaHeight, f.room)
	quota.Levels(0, f.room)
	p.quota(quota)

	quota.Times(ticks, c.Min.X, c.Max.X)
}

// caption is the style of lesser texts.
var caption = picture.Style(picture.Small, picture.Muted)

// cut cuts a lane of that height from the top of a canvas, and draws its caption: to the left of it, or
// above it where it is narrow.
func cut(c draw.Canvas, text string, height vg.Length, narrow bool) (lane, rest draw.Canvas) {
	at, left := vg.Point{X: c.Min.X, Y: c.Max.Y - height/2}, leftWide
	if narrow {
		at, left = vg.Point{X: c.Min.X + leftNarrow, Y: c.Max.Y - captionHeight/2 + 2}, leftNarrow
		if text != "" {
			c.Max.Y -= captionHeight
		}
	}
	c.FillText(caption, at, text)
	lane, rest = draw.Crop(c, left, -right, 0, 0), c
	lane.Min.Y = c.Max.Y - height
	rest.Max.Y = lane.Min.Y - laneGap
	return lane, rest
}

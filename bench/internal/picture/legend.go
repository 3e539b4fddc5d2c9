package picture

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Sign is an entry of a legend: a sample, which Paint draws on a canvas of SignWidth, and its meaning.
type Sign struct {
	Text  string
	Paint func(draw.Canvas)
}

// The measures of a legend.
const (
	SignWidth  vg.Length = 22
	LineHeight vg.Length = 20
)

// Legend draws signs from the top left of a canvas, with as many in a line as fit, and returns the height of the legend. If
// c.Canvas is nil, it only returns the height.
func Legend(c draw.Canvas, signs []Sign) vg.Length {
	const gap, apart = 6, 18
	style := Style(Small, Ink)
	x, top := c.Min.X, c.Max.Y
	for _, sign := range signs {
		width := SignWidth + gap + style.Width(sign.Text)
		if x > c.Min.X && x+width > c.Max.X {
			x, top = c.Min.X, top-LineHeight
		}
		if c.Canvas != nil {
			sample := c
			sample.Rectangle = vg.Rectangle{Min: vg.Point{X: x, Y: top - LineHeight + 3}, Max: vg.Point{X: x + SignWidth, Y: top - 3}}
			sign.Paint(sample)
			c.FillText(style, vg.Point{X: x + SignWidth + gap, Y: top - LineHeight/2}, sign.Text)
		}
		x += width + apart
	}
	return c.Max.Y - top + LineHeight
}

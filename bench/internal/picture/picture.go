// Package picture makes charts for files and for pages: a standalone SVG or PNG, or an SVG inside an HTML page, in light and in
// dark mode and in a narrow rendering for phones. Charts are drawn on a canvas of gonum.org/v1/plot, in the colours of this
// package. A point on the canvas is a pixel.
package picture

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The widths of the two renderings on a page. The narrow one is for windows of less than 760 pixels.
const (
	Wide   vg.Length = 960
	Narrow vg.Length = 360
)

// PNG returns a drawing as a PNG file in light colours. The image has twice as many pixels in each direction as width and
// height.
func PNG(width, height vg.Length, paint func(draw.Canvas)) ([]byte, error) {
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(
		vgimg.UseWH(width, height), vgimg.UseDPI(2*72), vgimg.UseBackgroundColor(color.White),
	)}
	paint(fill(draw.New(canvas)))
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}

// fill fills a canvas with the background.
func fill(c draw.Canvas) draw.Canvas {
	c.SetColor(Background)
	c.Fill(c.Path())
	return c
}

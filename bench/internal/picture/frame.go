package picture

import (
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Frame is a part of a canvas with coordinates: X0 to X1 from left to right, and Y0 to Y1 from bottom to top.
type Frame struct {
	draw.Canvas
	X0, X1, Y0, Y1 float64
}

// X returns the place of the value x. It shadows draw.Canvas.X, which takes a fraction.
func (f Frame) X(x float64) vg.Length {
	return f.Min.X + vg.Length((x-f.X0)/(f.X1-f.X0))*(f.Max.X-f.Min.X)
}

// Y returns the place of the value y. Values outside of the frame are at its edge.
func (f Frame) Y(y float64) vg.Length {
	part := min(max((y-f.Y0)/(f.Y1-f.Y0), 0), 1)
	return f.Min.Y + vg.Length(part)*(f.Max.Y-f.Min.Y)
}

// A Step is a point at which a line changes its height to Y.
type Step struct{ X, Y float64 }

// Line returns the points of a line that keeps the height of each step until the next step, and that of the last until end.
// Steps must be in ascending order of X. The line has at most four points in the width of a pixel.
func (f Frame) Line(steps []Step, end float64) []vg.Point {
	var line []vg.Point
	add := func(x, y vg.Length) {
		if p := (vg.Point{X: x, Y: y}); len(line) == 0 || line[len(line)-1] != p {
			line = append(line, p)
		}
	}
	for first := 0; first < len(steps); {
		x := math.Round(f.X(steps[first].X).Points()*2) / 2
		low, high, after := steps[first].Y, steps[first].Y, first+1
		for ; after < len(steps) && math.Floor(f.X(steps[after].X).Points()) <= math.Floor(x); after++ {
			low, high = min(low, steps[after].Y), max(high, steps[after].Y)
		}
		if len(line) > 0 {
			add(vg.Length(x), line[len(line)-1].Y)
		}
		if after > first+1 {
			add(vg.Length(x), f.Y(low))
			add(vg.Length(x), f.Y(high))
		}
		add(vg.Length(x), f.Y(steps[after-1].Y))
		first = after
	}
	if len(line) > 0 {
		add(f.X(end), line[len(line)-1].Y)
	}
	return line
}

// FillUnder fills the area between a line and the bottom of the frame.
func (f Frame) FillUnder(line []vg.Point, c color.RGBA) {
	if len(line) == 0 {
		return
	}
	area := append(slices.Clone(line), vg.Point{X: line[len(line)-1].X, Y: f.Min.Y}, vg.Point{X: line[0].X, Y: f.Min.Y})
	f.FillPolygon(Faint(c), area)
}

// Ticks draws a vertical line at each of the places xs, between two heights on the canvas, but at most one in the width of a
// pixel.
func (f Frame) Ticks(xs []float64, bottom, top vg.Length, c color.RGBA) {
	var path vg.Path
	last := vg.Length(math.Inf(-1))
	for _, value := range xs {
		x := vg.Length(math.Floor(f.X(value).Points())) + 0.5
		if x == last {
			continue
		}
		path.Move(vg.Point{X: x, Y: bottom})
		path.Line(vg.Point{X: x, Y: top})
		last = x
	}
	if len(path) > 0 {
		f.SetLineStyle(draw.LineStyle{Color: c, Width: 1})
		f.Stroke(path)
	}
}

// Rule draws a thin vertical line through the frame.
func (f Frame) Rule(x float64) {
	f.StrokeLine2(draw.LineStyle{Color: Grid, Width: 1}, f.X(x), f.Min.Y, f.X(x), f.Max.Y)
}

// Times draws the labels of ticks below the frame. Each is centered under its tick, but stays between left and right.
func (f Frame) Times(ticks []plot.Tick, left, right vg.Length) {
	style := Style(Small, Muted)
	style.YAlign = draw.YTop
	for _, tick := range ticks {
		width := style.Width(tick.Label)
		x := min(max(f.X(tick.Value)-width/2, left), right-width)
		f.FillText(style, vg.Point{X: x, Y: f.Min.Y - 8}, tick.Label)
	}
}

// Levels draws a thin horizontal line through the frame at each of the heights ys. To the left of each line it draws the
// number, which is at most LevelWidth wide.
func (f Frame) Levels(ys ...float64) {
	style := Style(Small, Muted)
	style.XAlign = draw.XRight
	for _, y := range ys {
		f.StrokeLine2(draw.LineStyle{Color: Grid, Width: 1}, f.Min.X, f.Y(y), f.Max.X, f.Y(y))
		f.FillText(style, vg.Point{X: f.Min.X - 6, Y: f.Y(y)}, level(y))
	}
}

// LevelWidth is the largest width of the number of a level.
const LevelWidth vg.Length = 34

// level formats a number. A number of more than four digits is formatted in thousands, millions and so on, with three digits.
func level(y float64) string {
	if y < 1e4 {
		return strconv.FormatFloat(y, 'f', -1, 64)
	}
	y, _ = strconv.ParseFloat(strconv.FormatFloat(y, 'g', 3, 64), 64)
	thousands := 0
	for ; y >= 1000; y /= 1000 {
		thousands++
	}
	return strconv.FormatFloat(y, 'g', 3, 64) + string("kMGTPE"[thousands-1])
}

// Round returns round numbers from 0 to most for the levels of an axis. The largest is more than 40 % of most. most must be
// at least 1.
func Round(most float64) []float64 {
	step := 1.0 // a loop, as math.Log10 is not exact for 1000
	for step*10 <= most {
		step *= 10
	}
	switch {
	case most/step >= 5:
		step *= 5
	case most/step >= 2:
		step *= 2
	}
	return []float64{0, step}
}

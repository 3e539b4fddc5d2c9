package report

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A look is how a series is drawn: each can be told from the others without its colour too.
type look struct {
	line  draw.LineStyle
	glyph draw.GlyphStyle
}

var (
	dashes = [][]vg.Length{nil, {7, 3}, {2, 2}, {9, 3, 2, 3}}
	shapes = []draw.GlyphDrawer{
		draw.CircleGlyph{}, star{4, 1, 0.125, 1.2}, star{3, 1, 0, 1.3}, star{4, 1, 0, 1.3},
		star{4, 0.4, 0, 1.6}, star{3, 1, 0.5, 1.3}, star{6, 1, 0, 1.15}, star{4, 0.4, 0.125, 1.6},
	}
)

// lookOf returns the look of the series of that number.
func lookOf(n int) look {
	color := picture.Series[n%len(picture.Series)]
	return look{
		draw.LineStyle{Color: color, Width: 1.8, Dashes: dashes[(n/2)%len(dashes)]},
		draw.GlyphStyle{Color: color, Radius: 3.2, Shape: shapes[n%len(shapes)]},
	}
}

// sign returns a series' entry in the legend.
func (l look) sign(text string, withLine bool) picture.Sign {
	return picture.Sign{Text: text, Paint: func(c draw.Canvas) {
		middle := vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: (c.Min.Y + c.Max.Y) / 2}
		if withLine {
			c.StrokeLine2(l.line, c.Min.X, middle.Y, c.Max.X, middle.Y)
		}
		c.DrawGlyph(l.glyph, middle)
	}}
}

// A star is a filled glyph with so many points, of which the first is turned from the top by a part of a
// circle. If inner is 1 it is a polygon, else its edges go in to that part of its radius.
type star struct {
	points              int
	inner, turned, size float64
}

// DrawGlyph implements draw.GlyphDrawer.
func (s star) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	corner := func(part, radius float64) {
		angle := 2 * math.Pi * (part/float64(s.points) + s.turned)
		r := style.Radius * vg.Length(radius*s.size)
		p := vg.Point{X: at.X + r*vg.Length(math.Sin(angle)), Y: at.Y + r*vg.Length(math.Cos(angle))}
		if len(path) == 0 {
			path.Move(p)
		} else {
			path.Line(p)
		}
	}
	for i := range s.points {
		corner(float64(i), 1)
		if s.inner < 1 {
			corner(float64(i)+0.5, s.inner)
		}
	}
	path.Close()
	c.SetColor(style.Color)
	c.Fill(path)
}

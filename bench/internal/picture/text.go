package picture

import (
	"image/color"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The sizes of text. A phone scales a narrow rendering down a little. Small is the smallest size that is readable there.
const (
	Small vg.Length = 12
	Large vg.Length = 14
)

// Style returns the style for a text of a size and a colour. The text is drawn to the right of its point, and centered
// vertically on it. The fields XAlign and YAlign change that.
func Style(size vg.Length, c color.Color) draw.TextStyle {
	return draw.TextStyle{
		Color: c, Font: plotfont.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: draw.XLeft, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler,
	}
}

// Bold returns the style in bold.
func Bold(style draw.TextStyle) draw.TextStyle {
	style.Font.Weight = font.WeightBold
	return style
}

// Fitted returns the text, shortened to the room on one line if necessary.
func Fitted(style draw.TextStyle, text string, room vg.Length) string {
	runes := []rune(text)
	for len(runes) > 1 && style.Width(text) > room {
		runes = runes[:len(runes)-1]
		text = string(runes) + "…"
	}
	return text
}

// NewPlot returns an empty plot in this package's colours and fonts, with a transparent background.
func NewPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	restyle := func(style *draw.TextStyle, size vg.Length, c color.Color) {
		style.Font, style.Color = Style(size, c).Font, c
	}
	restyle(&p.Title.TextStyle, Large, Ink)
	p.Title.TextStyle = Bold(p.Title.TextStyle)
	restyle(&p.Legend.TextStyle, Small, Ink)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		restyle(&axis.Label.TextStyle, Small, Muted)
		restyle(&axis.Tick.Label, Small, Muted)
		axis.LineStyle = draw.LineStyle{Color: Muted, Width: 1}
		axis.Tick.LineStyle = axis.LineStyle
		axis.Tick.Length = 4
	}
	return p
}

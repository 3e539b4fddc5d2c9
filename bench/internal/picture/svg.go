package picture

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"unicode"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// fonts are the fonts of texts. Each text is fitted to its width in gonum's font, because positions on the canvas depend on
// that width.
const fonts = `system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif`

// SVG returns a drawing as a standalone SVG file. It has dark colours if the viewer supports prefers-color-scheme and the reader
// prefers them, and light colours otherwise.
func SVG(width, height vg.Length, alt string, paint func(draw.Canvas)) []byte {
	var style strings.Builder
	style.WriteString("text{font-family:" + fonts + "}\n@media (prefers-color-scheme:dark){\n")
	for _, r := range roles {
		for _, property := range []string{"fill", "stroke"} {
			fmt.Fprintf(&style, "[style*=%q]{%s:%s!important}\n", property+":"+r.light, property, r.dark)
		}
	}
	style.WriteString("}\n")
	return fmt.Appendf(nil,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %[1]g %[2]g\" role=\"img\" aria-label=\"%s\">\n<style>\n%s</style>\n%s</svg>\n",
		width.Points(), height.Points(), template.HTMLEscapeString(Printable(alt)), &style,
		elements(width, height, func(c draw.Canvas) { paint(fill(c)) }))
}

// Inline returns a drawing for a [Page], in a wide and a narrow rendering, of which one is shown. They may differ in height and
// content. Alt describes the drawing in words.
func Inline(alt string, wideHeight, narrowHeight vg.Length, paint func(c draw.Canvas, narrow bool)) template.HTML {
	svg := func(class string, width, height vg.Length, narrow bool) string {
		return fmt.Sprintf("<svg class=%q viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n%s</svg>\n",
			class, width.Points(), height.Points(), template.HTMLEscapeString(Printable(alt)),
			toVariables.Replace(elements(width, height, func(c draw.Canvas) { paint(c, narrow) })))
	}
	return template.HTML("<div class=\"picture\">\n" +
		svg("wide", Wide, wideHeight, false) + svg("narrow", Narrow, narrowHeight, true) + "</div>\n")
}

// toVariables replaces the colours of elements with variables of the page.
var toVariables = func() *strings.Replacer {
	var pairs []string
	for _, r := range roles {
		for _, property := range []string{"fill:", "stroke:"} {
			pairs = append(pairs, property+r.light, property+"var(--"+r.name+")")
		}
	}
	return strings.NewReplacer(pairs...)
}()

// elements returns a drawing as SVG elements, in light colours.
func elements(width, height vg.Length, paint func(draw.Canvas)) string {
	canvas := &fitted{Canvas: vgsvg.New(width, height)}
	paint(draw.NewCanvas(canvas, width, height))
	var b bytes.Buffer
	_, _ = canvas.WriteTo(&b) // writing to a buffer can't fail
	_, drawn, _ := strings.Cut(b.String(), "<g ")
	drawn = "<g " + strings.TrimSuffix(drawn, "</svg>\n")

	var fit strings.Builder
	for i, part := range strings.Split(drawn, "<text ") {
		if i > 0 {
			fmt.Fprintf(&fit, "<text textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\" ", canvas.widths[i-1])
		}
		fit.WriteString(part)
	}
	return withoutFont.Replace(fit.String())
}

// withoutFont removes the font, so that the page or the file chooses it.
var withoutFont = strings.NewReplacer(
	"font-family:Liberation Sans;", "", "font-variant:normal;", "", "font-variant:none;", "",
	"font-weight:normal;", "", "font-style:normal;", "",
)

// A fitted canvas records the width of each text. The SVG contains that width, so that the text is as wide in another font.
type fitted struct {
	*vgsvg.Canvas
	widths []vg.Length
}

func (f *fitted) FillString(face font.Face, at vg.Point, text string) {
	text = Printable(text)
	f.widths = append(f.widths, face.Width(text))
	f.Canvas.FillString(face, at, text)
}

// Printable replaces invisible characters, and those that XML doesn't allow.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

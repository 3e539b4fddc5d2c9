package picture

import (
	"fmt"
	"image/color"
	"strings"
)

// The colours of a drawing, by their purpose. In an SVG and on a page each has a second colour for dark mode. Text in Ink or Muted
// is readable in both modes. Colour-blind readers can distinguish the other colours from the background and, if possible, from
// each other. No drawing should depend on colour alone.
var (
	Ink        = role("ink", 0x1f2328, 0xe6edf3)        // text, axes
	Muted      = role("muted", 0x59636e, 0x9aa7b4)      // lesser text, lines to compare with
	Grid       = role("grid", 0xd5dbe1, 0x323b45)       // lines behind everything
	Background = role("background", 0xffffff, 0x10151b) // of a picture and of a page

	Admitted = role("admitted", 0x0b62b8, 0x6cb2ff)
	Delayed  = role("delayed", 0xb07a00, 0xe3b341)
	Denied   = role("denied", 0xb3202c, 0xff7b84)
)

// Series are colours for series of a chart that have no role, such as one for each algorithm.
var Series = []color.RGBA{
	role("series-1", 0x0072b2, 0x5fb0f2),
	role("series-2", 0xc75a00, 0xff9f4a),
	role("series-3", 0x00826a, 0x3ccfae),
	role("series-4", 0xa8438f, 0xe48bcf),
	role("series-5", 0x8a6d00, 0xd9bf3d),
	role("series-6", 0x2f86b5, 0x9ad6f7),
	role("series-7", 0x6b6b6b, 0xb9b9b9),
	role("series-8", 0x9c1f3f, 0xff8fa3),
}

// roles are all colours above.
var roles []colorRole

type colorRole struct {
	name        string
	light, dark string // in CSS's notation: #1F2328
}

// role adds a colour to roles and returns the light one, which represents both in a drawing. So no two roles may have the same
// light colour.
func role(name string, light, dark uint32) color.RGBA {
	roles = append(roles, colorRole{name, fmt.Sprintf("#%06X", light), fmt.Sprintf("#%06X", dark)})
	return color.RGBA{R: uint8(light >> 16), G: uint8(light >> 8), B: uint8(light), A: 255}
}

// Faint returns a transparent version of a colour, for areas.
func Faint(c color.RGBA) color.Color {
	return color.NRGBA{R: c.R, G: c.G, B: c.B, A: 48}
}

// variables returns CSS that defines variables for the colours, such as --ink, in light and in dark mode.
func variables() string {
	var light, dark strings.Builder
	for _, r := range roles {
		fmt.Fprintf(&light, "--%s:%s;", r.name, r.light)
		fmt.Fprintf(&dark, "--%s:%s;", r.name, r.dark)
	}
	return fmt.Sprintf(":root{color-scheme:light dark;%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n", &light, &dark)
}

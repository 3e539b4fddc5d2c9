package browser

import (
	"encoding/base64"
	"fmt"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationmonobold"
	"codeberg.org/go-fonts/liberation/liberationmonoregular"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// A face is a font in which pages are checked. The faces are embedded, so that checks are the same on all machines. They
// differ in width and height, so that a page without faults in all of them is likely to have none in other fonts.
type face struct {
	name   string
	script func() string // see faceScript
}

var faces = []face{
	{"Liberation Sans", faceScript(liberationsansregular.TTF, liberationsansbold.TTF, "{}")}, // as wide as Arial and Helvetica
	// As wide as DejaVu Sans, and as tall as Noto Sans.
	{"wide Go", faceScript(goregular.TTF, gobold.TTF, `{sizeAdjust: "112%", ascentOverride: "107%", descentOverride: "30%"}`)},
	{"Liberation Mono", faceScript(liberationmonoregular.TTF, liberationmonobold.TTF, "{}")},
}

// faceScript returns a function that returns JavaScript. The script shows the page in a font. Its value is a promise that is
// resolved when that is done. The script holds the font, so it is made only once. It passes the font to the page as bytes:
// the browser would report each load of a URL, and a data URL would be reported with the whole font in it. metrics is a
// JavaScript object with the metrics that replace those of the font.
func faceScript(regular, bold []byte, metrics string) func() string {
	return sync.OnceValue(func() string {
		return fmt.Sprintf(`(async () => {
			const family = "weir-bench-face";
			const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
			document.fonts.clear();
			for (const [weight, data] of [["400", %q], ["700", %q]]) {
				document.fonts.add(await new FontFace(family, bytes(data), {weight, ...%s}).load());
			}
			document.getElementById(family)?.remove();
			const style = document.createElement("style");
			style.id = family;
			style.textContent = "*{font-family:" + family + "!important}";
			document.head.append(style);
			return document.fonts.size;
		})()`, base64.StdEncoding.EncodeToString(regular), base64.StdEncoding.EncodeToString(bold), metrics)
	})
}

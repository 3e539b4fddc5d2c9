package browser

import (
	"encoding/base64"
	"fmt"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationmonobold"
	"codeberg.org/go-fonts/liberation/liberationmonoregular"
	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// A face is a font in which pages are checked. The faces are embedded, so that checks are the same on all machines. They differ
// in width and height, so that a page without faults in all of them is likely to have none in other fonts.
type face struct {
	name          string
	regular, bold []byte
	measures      string // CSS that changes the font's metrics, or ""
}

var faces = []face{
	{"Liberation Sans", liberationsansregular.TTF, liberationsansbold.TTF, ""}, // as wide as Arial and Helvetica
	// As wide as DejaVu Sans, and as tall as Noto Sans.
	{"wide Go", goregular.TTF, gobold.TTF, "size-adjust:112%;ascent-override:107%;descent-override:30%"},
	{"Liberation Mono", liberationmonoregular.TTF, liberationmonobold.TTF, ""},
}

// family is the name of a face on the page.
const family = "weir-bench-face"

// script returns JavaScript that shows the page in the face. Its value is a promise that is resolved when that is done.
func (f face) script() string {
	var rules strings.Builder
	for weight, data := range map[string][]byte{"400": f.regular, "700": f.bold} {
		fmt.Fprintf(&rules, "@font-face{font-family:%s;font-weight:%s;%s;src:url(data:font/ttf;base64,%s)}\n",
			family, weight, f.measures, base64.StdEncoding.EncodeToString(data))
	}
	return fmt.Sprintf(`(async () => {
		const id = %q;
		document.getElementById(id)?.remove();
		const style = document.createElement("style");
		style.id = id;
		style.textContent = %q;
		document.head.append(style);
		await Promise.all(["400", "700"].map((weight) => document.fonts.load(weight + " 12px " + id)));
		return document.fonts.size;
	})()`, family, rules.String()+"*{font-family:"+family+"!important}")
}

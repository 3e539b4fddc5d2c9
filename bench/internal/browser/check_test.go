package browser

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

// page returns a page with a picture of two texts.
func page(t *testing.T, second vg.Point) string {
	figure := picture.Inline("two texts", 60, 60, func(c draw.Canvas, _ bool) {
		style := picture.Style(picture.Small, picture.Muted)
		c.FillText(style, vg.Point{X: 10, Y: 30}, "first")
		c.FillText(style, second, "second")
	})
	var b bytes.Buffer
	if err := (picture.Page{Title: "a page", Body: "<h1>A page</h1>\n" + figure, Data: []int{1}}).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestInspect: inspect finds the fault of each page, and none in a page without faults.
func TestInspect(t *testing.T) {
	good := page(t, vg.Point{X: 100, Y: 30})
	with := func(text string) string { return strings.Replace(good, "</main>", text+"</main>", 1) }
	wants := Wants{Pictures: 1, Texts: []string{"A page"}}
	browser, closeAll, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	for name, test := range map[string]struct {
		page  string
		wants Wants
		want  string // part of the fault, or "" for a page without faults
	}{
		"good":           {good, wants, ""},
		"other text":     {good, Wants{Pictures: 1, Texts: []string{"B page"}}, `no text "B page"`},
		"more pictures":  {good, Wants{Pictures: 2}, "1 pictures, want 2"},
		"wide":           {with(`<div style="width:400px">x</div>`), wants, "on a phone in light mode in Liberation Sans: the page is 41"},
		"wide font":      {with("<p style=white-space:nowrap>" + strings.Repeat("i", 50) + "</p>"), wants, "on a phone in light mode in Liberation Mono: the page is"},
		"no phone":       {strings.Replace(good, `name="viewport"`, `name="other"`, 1), wants, "on a phone in light mode in Liberation Sans: the page is 98"},
		"both shown":     {with("<style>.picture .wide,.picture .narrow{display:block}</style>"), wants, `shows the renderings "wide narrow", want "wide"`},
		"none shown":     {with("<style>.picture{display:none}</style>"), wants, `shows the renderings "", want "wide"`},
		"one mode":       {with("<style>body{background:#fff}</style>"), wants, "in dark mode in Liberation Sans: the background is of the other mode"},
		"pale":           {with(`<p style="color:#888;background:#777">pale</p>`), wants, `"pale" has a contrast of 1.26`},
		"pale in dark":   {with("<style>text{fill:#59636e!important}</style>"), wants, `in dark mode in Liberation Sans: "first" has a contrast of`},
		"small":          {with("<p style=font-size:8px>small</p>"), wants, `"small" is 8.0 pixels high`},
		"small on phone": {with("<style>.picture .narrow{max-width:200px}</style>"), wants, `on a phone in light mode in wide Go: "first" is 6.7 pixels high`},
		"overlap":        {page(t, vg.Point{X: 20, Y: 30}), wants, `"first" and "second" overlap`},
		"ink touches":    {page(t, vg.Point{X: 10, Y: 22}), wants, `"first" and "second" overlap`},
		"ink apart":      {page(t, vg.Point{X: 10, Y: 17}), wants, ""}, // closer than lines of text
		"beyond":         {page(t, vg.Point{X: 340, Y: 30}), wants, `on a phone in light mode in Liberation Mono: "second" is beyond its picture`},
		"above":          {page(t, vg.Point{X: 100, Y: 57}), wants, `"second" is beyond its picture`},
		"same id":        {with("<p id=data></p>"), wants, `several elements have the id "data"`},
		"a request":      {with(`<img src="http://127.0.0.1:9/x.png" alt="">`), wants, "asks for http://127.0.0.1:9/x.png"},
		"a file":         {with(`<img src="other.png" alt="">`), wants, "/other.png"},
		"an exception":   {with("<script>throw new Error('ouch')</script>"), wants, "the console shows an error"},
		"a message":      {with("<script>console.error('ouch')</script>"), wants, "console.error was called"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a page.html")
			if err := os.WriteFile(path, []byte(test.page), 0o600); err != nil {
				t.Fatal(err)
			}
			faults, err := inspect(browser, path, test.wants)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, test.want) })
			if test.want == "" && len(faults) > 0 || test.want != "" && !found {
				t.Errorf("got the faults %q, want %q", faults, test.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(programEnv, "")
	if _, _, err := start(t.Context()); err == nil || !strings.Contains(err.Error(), "install Debian's package chromium, or name") {
		t.Errorf("without a browser: got %v, want an error that says what to install", err)
	}
	t.Setenv(programEnv, "no-such-browser")
	if _, err := Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), programEnv+" does not name a program") {
		t.Errorf("with another name: got %v", err)
	}
}

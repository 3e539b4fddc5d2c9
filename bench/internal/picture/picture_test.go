package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sample draws something in each colour, and texts.
func sample(c draw.Canvas) {
	all := append([]color.RGBA{Ink, Muted, Grid, Background, Admitted, Delayed, Denied}, Series...)
	for i, role := range all {
		y := vg.Length(i) * 10
		c.StrokeLine2(draw.LineStyle{Color: role, Width: 2}, 0, y, 50, y)
		c.FillPolygon(role, []vg.Point{{X: 0, Y: y}, {X: 5, Y: y}, {X: 5, Y: y + 5}})
		c.FillText(Style(Small, role), vg.Point{X: 60, Y: y}, "a <b> & \x01\x80")
	}
	c.FillText(Bold(Style(Large, Ink)), vg.Point{X: 150, Y: 10}, "bold")
}

// checkXML parses a document to its end.
func checkXML(t *testing.T, document []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

var hex = regexp.MustCompile(`#[0-9A-Fa-f]{6}`)

// TestSVG: the file is valid XML, and each of its colours has a dark variant.
func TestSVG(t *testing.T) {
	svg := SVG(200, 100, "a \"sample\" & \x02", sample)
	checkXML(t, svg)
	_, drawn, found := strings.Cut(string(svg), "</style>")
	if !found || !strings.Contains(drawn, "a &lt;b&gt; &amp; \ufffd\ufffd") {
		t.Errorf("there is no text in %s", drawn)
	}
	for _, role := range roles {
		for _, property := range []string{"fill:", "stroke:"} {
			if !strings.Contains(drawn, property+role.light) {
				t.Errorf("the file has no %s%s, the colour %s", property, role.light, role.name)
			}
		}
	}
	for _, used := range hex.FindAllString(drawn, -1) {
		if !strings.Contains(string(svg), `[style*="fill:`+used+`"]`) {
			t.Errorf("the colour %s has no dark variant", used)
		}
	}
}

// TestInline: the HTML has both renderings, and all colours are variables of the page.
func TestInline(t *testing.T) {
	widths := map[bool]vg.Length{}
	inline := string(Inline("a sample", 100, 80, func(c draw.Canvas, narrow bool) {
		widths[narrow] = c.Max.X - c.Min.X
		sample(c)
	}))
	checkXML(t, []byte(inline))
	if widths[false] != Wide || widths[true] != Narrow {
		t.Errorf("the widths are %v", widths)
	}
	if used := hex.FindAllString(inline, -1); used != nil {
		t.Errorf("the colours %q are no variables", used)
	}
	if strings.Contains(inline, "font-family") || strings.Contains(inline, " id=") {
		t.Error("the HTML has a font or an id")
	}
	for _, want := range []string{`viewBox="0 0 960 100"`, `viewBox="0 0 360 80"`, `aria-label="a sample"`, "var(--series-8)", "font-weight:bold"} {
		if !strings.Contains(inline, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestColors: each colour has one role, and is unchanged in a PNG.
func TestColors(t *testing.T) {
	seen := map[string]string{}
	for _, role := range roles {
		if other := seen[role.light]; other != "" {
			t.Errorf("%s and %s are the same colour", role.name, other)
		}
		seen[role.light] = role.name
	}
	content, err := PNG(30, 20, func(c draw.Canvas) {
		c.FillPolygon(Denied, []vg.Point{{X: 0, Y: 0}, {X: 15, Y: 0}, {X: 15, Y: 20}, {X: 0, Y: 20}})
	})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if size := decoded.Bounds().Size(); size.X != 60 || size.Y != 40 {
		t.Errorf("the size is %v, want 60 times 40", size)
	}
	for x, want := range map[int]color.RGBA{10: Denied, 50: Background} {
		if got := color.RGBAModel.Convert(decoded.At(x, 20)); got != want {
			t.Errorf("the colour at %d is %v, want %v", x, got, want)
		}
	}
}

// TestPage: embedded data can't end its element.
func TestPage(t *testing.T) {
	var b bytes.Buffer
	page := Page{Title: "</title><b>", Body: "<p>body</p>", Data: map[string]string{"a": "</script><!--\u2028"}}
	if err := page.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if !strings.HasPrefix(text, "<!doctype html>\n<html lang=\"en\">") || !strings.Contains(text, "<p>body</p>") {
		t.Errorf("the page is %s", text)
	}
	for _, part := range []string{"</script>", "</title>"} {
		if strings.Count(text, part) != 1 {
			t.Errorf("there is not one %s in %s", part, text)
		}
	}
	for _, part := range []string{"<!--", "http:", "https:", "src="} {
		if strings.Contains(text, part) {
			t.Errorf("there is %s in %s", part, text)
		}
	}
	b.Reset()
	if err := (Page{Title: "no data"}).Write(&b); err != nil || strings.Contains(b.String(), "<script") {
		t.Errorf("without data: %v, %s", err, b.String())
	}
}

// TestLine: a line has at most four points for each pixel, which include the lowest and the highest step.
func TestLine(t *testing.T) {
	f := Frame{Canvas: draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: 100, Y: 10}}}, X1: 10, Y1: 10}
	for name, test := range map[string]struct {
		steps []Step
		want  string
	}{
		"none":    {nil, "[]"},
		"one":     {[]Step{{2, 3}}, "[{20 3} {100 3}]"},
		"two":     {[]Step{{2, 3}, {4, 5}}, "[{20 3} {40 3} {40 5} {100 5}]"},
		"beyond":  {[]Step{{2, 30}, {4, -1}}, "[{20 10} {40 10} {40 0} {100 0}]"},
		"a pixel": {[]Step{{2, 3}, {4, 5}, {4.01, 9}, {4.02, 1}, {4.03, 4}}, "[{20 3} {40 3} {40 1} {40 9} {40 4} {100 4}]"},
	} {
		if got := fmt.Sprint(f.Line(test.steps, 10)); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
	steps := make([]Step, 100_000)
	for i := range steps {
		steps[i] = Step{float64(i) / 10_000, float64(i % 11)}
	}
	if points := len(f.Line(steps, 10)); points > 4*101 {
		t.Errorf("%d points, want at most 4 for a pixel", points)
	}
}

func TestTimeTicks(t *testing.T) {
	for _, test := range []struct {
		first, last float64
		atMost      int
		want        string
	}{
		{0, 10, 11, "0 1s 2s 3s 4s 5s 6s 7s 8s 9s 10s"},
		{0, 10, 10, "0 2s 4s 6s 8s 10s"},
		{0, 2.1, 6, "0 0.5s 1s 1.5s 2s"},
		{0.25, 0.75, 3, "0.4s 0.6s"},
		{6.1, 9.9, 5, "7s 8s 9s"},
		{0, 0.001, 6, "0 200µs 400µs 600µs 800µs 1ms"},
		{0, 3600, 4, "0 20m 40m 1h"},
		{0, 4e9, 3, "0 393216h 786432h"},
		{0.7, 0.7000001, 3, "0.7s"},
		{0.7000001, 0.7000002, 3, "0.7000001s"},
	} {
		var labels []string
		for _, tick := range (TimeTicks{AtMost: test.atMost}).Ticks(test.first, test.last) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("%v to %v: got %s, want %s", test.first, test.last, got, test.want)
		}
	}
}

// TestTimeTicksWidth: there are fewer ticks if their labels are long.
func TestTimeTicksWidth(t *testing.T) {
	for width, want := range map[vg.Length]int{1000: 6, 300: 3, 100: 2, 10: 1} {
		if got := len(TimeTicks{AtMost: 6, Width: width}.Ticks(3600, 3600.001)); got != want {
			t.Errorf("on an axis of %v: got %d ticks, want %d", width, got, want)
		}
	}
}

func TestRound(t *testing.T) {
	for most, want := range map[float64]float64{1: 1, 1.5: 1, 3: 2, 7: 5, 10: 10, 41: 20, 88: 50, 1000: 1000, 1e6: 1e6, 99999: 50000} {
		if got := Round(most); got[0] != 0 || got[1] != want {
			t.Errorf("of %v: got %v, want %v", most, got, want)
		}
	}
}

// TestLevel: a short number is exact, and no text is wider than LevelWidth.
func TestLevel(t *testing.T) {
	for y, want := range map[float64]string{
		0: "0", 7: "7", 9999: "9999", 10_000: "10k", 12_345: "12.3k", 99_960: "100k", 500_000: "500k", 999_499: "999k", 999_500: "1M",
		1e6: "1M", 2_147_483_648: "2.15G", 1 << 53: "9.01P", math.MaxInt64: "9.22E",
	} {
		if got := level(y); got != want || Style(Small, Muted).Width(got) > LevelWidth {
			t.Errorf("of %v: got %s, %v wide, want %s", y, got, Style(Small, Muted).Width(got), want)
		}
	}
}

func TestFitted(t *testing.T) {
	style := Style(Small, Ink)
	for room, want := range map[vg.Length]string{1000: "some words", style.Width("some w…") + 0.1: "some w…", 0: "s…"} {
		if got := Fitted(style, "some words", room); got != want {
			t.Errorf("in %v: got %q, want %q", room, got, want)
		}
	}
}

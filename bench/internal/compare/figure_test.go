package compare

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/browser"
	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/trace"
)

// compared returns what came of the traces in this process.
func compared(t *testing.T, traces ...trace.Trace) Report {
	t.Helper()
	report := Report{Server: "this process"}
	for _, tr := range traces {
		c, err := Setup{Kinds: kinds, Decided: new(atomic.Int64)}.Compare(t.Context(), tr)
		if err != nil {
			t.Fatal(err)
		}
		report.Comparisons = append(report.Comparisons, c)
	}
	return report
}

// checkXML parses a document to its end.
func checkXML(t *testing.T, name string, document []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s is no XML: %v", name, err)
		}
	}
}

// odd are traces that are unlike the built-in ones: one request, many keys and costs, a key that needs
// escaping, an hour, years.
func odd() []trace.Trace {
	several := random(1, algorithms.PerSecond(10))
	for i := range several.Arrivals {
		if several.Arrivals[i].Key == "a" {
			several.Arrivals[i].Key = "</script><b>&\x01 and so on, much longer than there is room for"
		}
	}
	several.Name, several.About, several.Look = "</title>\"'\x02", "<b>several & many</b>", "var(--x)"
	limit := algorithms.PerMinute(6)
	return []trace.Trace{
		{Name: "one", Limit: limit, Arrivals: []trace.Arrival{{At: 0, Cost: 1}}},
		{Name: "late", Limit: limit, Arrivals: []trace.Arrival{{At: time.Hour, Cost: 1}}},
		{Name: "too much", Limit: limit, Arrivals: []trace.Arrival{{At: time.Second, Cost: 1 << 31}}},
		{Name: "years", Limit: limit, Arrivals: []trace.Arrival{{At: 0, Cost: 6}, {At: 600_000 * time.Hour, Cost: 2}}},
		several,
	}
}

// TestPage shows the page to a browser.
func TestPage(t *testing.T) {
	for name, report := range map[string]Report{
		"built-in": compared(t, trace.Builtin()...),
		"odd":      compared(t, odd()...),
	} {
		t.Run(name, func(t *testing.T) {
			page, err := report.HTML()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "compare.html")
			if err := os.WriteFile(path, page, 0o600); err != nil {
				t.Fatal(err)
			}
			wants := browser.Wants{Pictures: len(report.Comparisons), Texts: []string{"On this process, in simulated time."}}
			for _, c := range report.Comparisons {
				wants.Texts = append(wants.Texts, c.Trace.About, c.Trace.Look)
			}
			browser.CheckPage(t, path, wants)
		})
	}
}

// TestPictures: the files are what their names say, of the size that they should have.
func TestPictures(t *testing.T) {
	for _, c := range compared(t, append(trace.Builtin(), odd()...)...).Comparisons {
		checkXML(t, c.Trace.Name, c.svg())
		content, err := c.png()
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := png.DecodeConfig(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", c.Trace.Name, err)
		}
		if height := int(newFigure(c).height(false) * 2); decoded.Width != 2*int(picture.Wide) || decoded.Height != height {
			t.Errorf("%s: the PNG is %d×%d pixels, want %d×%d", c.Trace.Name, decoded.Width, decoded.Height, 2*int(picture.Wide), height)
		}
	}
}

// TestLarge: a picture of very many requests is no larger than one can show.
func TestLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	arrivals := make([]trace.Arrival, 100_000)
	for i := range arrivals {
		arrivals[i] = trace.Arrival{At: time.Duration(i) * time.Millisecond, Key: fmt.Sprint(r.IntN(20)), Cost: 1 + r.Int64N(3)}
	}
	report := compared(t, trace.Trace{Name: "large", Limit: algorithms.PerSecond(30), Arrivals: arrivals})
	page, err := report.HTML()
	if err != nil {
		t.Fatal(err)
	}
	svg := report.Comparisons[0].svg()
	checkXML(t, "large", svg)
	const most = 2_000_000
	if len(page) > most || len(svg) > most {
		t.Errorf("the page is %d bytes, the SVG %d, want at most %d", len(page), len(svg), most)
	}
}

// TestIdeal holds the dashed line against what one can count.
func TestIdeal(t *testing.T) {
	const s = time.Second
	burst2 := algorithms.PerSecond(1).WithBurst(2)
	at := func(at time.Duration, key string, cost int64) trace.Arrival {
		return trace.Arrival{At: at, Key: key, Cost: cost}
	}
	for name, test := range map[string]struct {
		arrivals []trace.Arrival
		want     []float64
	}{
		"burst, then rate":  {[]trace.Arrival{at(0, "", 1), at(0, "", 1), at(0, "", 1), at(s/2, "", 1), at(s, "", 1)}, []float64{1, 2, 2, 2.5, 3}},
		"no more than came": {[]trace.Arrival{at(0, "", 1), at(10*s, "", 1)}, []float64{1, 2}},
		"no more than full": {[]trace.Arrival{at(0, "", 2), at(10*s, "", 2), at(10*s, "", 2)}, []float64{2, 4, 4}},
		"each key":          {[]trace.Arrival{at(0, "a", 2), at(0, "b", 2), at(s, "a", 1)}, []float64{2, 4, 5}},
		"too much":          {[]trace.Arrival{at(0, "", 3), at(0, "", 1)}, []float64{0, 1}},
	} {
		var got []float64
		for _, step := range ideal(burst2, test.arrivals) {
			got = append(got, step.Y)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

// TestCurves: gcra and leakybucket are never ahead of the ideal and less than a request behind; and what
// is shown at last is what the totals say.
func TestCurves(t *testing.T) {
	for _, c := range compared(t, trace.Builtin()...).Comparisons {
		for _, run := range c.Runs {
			curves := c.curves(run)
			if got := final(curves.admitted); got != float64(run.Totals.Events) {
				t.Errorf("%s, %s: %v admitted at last, want %d", c.Trace.Name, run.Kind.Name, got, run.Totals.Events)
			}
			times := curves.times
			if len(times[atOnce]) != run.Totals.Admitted-run.Totals.Delayed || len(times[delayed]) != run.Totals.Delayed || len(times[refusedOnes]) != run.Totals.Denied {
				t.Errorf("%s, %s: %d, %d, %d requests are shown, want %+v", c.Trace.Name, run.Kind.Name, len(times[0]), len(times[1]), len(times[2]), run.Totals)
			}
			if behind := final(curves.ideal) - final(curves.admitted); (run.Kind.Name == "gcra" || run.Kind.Name == "leakybucket") && (behind < 0 || behind >= 1) {
				t.Errorf("%s, %s: is %v behind the ideal", c.Trace.Name, run.Kind.Name, behind)
			}
		}
	}
}

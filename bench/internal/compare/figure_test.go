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
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/browser"
	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/trace"
)

// compared compares the traces in this process.
func compared(t *testing.T, traces ...trace.Trace) Report {
	t.Helper()
	report := Report{Server: "this process", Command: "bench compare -x", Date: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)}
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

// odd returns traces that are unlike the built-in ones: one request at the beginning, after an hour, or above the limit;
// requests that are years apart; several keys and costs, and a key that needs escaping.
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

// TestPage checks the page in a browser.
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
			wants := browser.Wants{Texts: []string{"On this process, in simulated time.", "How to read the pictures", "2026-11-25 14:00 UTC", "bench compare -x"}}
			for _, c := range report.Comparisons {
				wants.Pictures += len(c.figures())
				wants.Texts = append(wants.Texts, c.Trace.About, c.Answer())
			}
			browser.CheckPage(t, path, wants)
		})
	}
}

// TestPictures: the files have the format of their names, and the right size.
func TestPictures(t *testing.T) {
	for _, c := range compared(t, append(trace.Builtin(), odd()...)...).Comparisons {
		for _, f := range c.figures() {
			checkXML(t, f.title, f.svg())
			content, err := f.png()
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := png.DecodeConfig(bytes.NewReader(content))
			if err != nil {
				t.Fatalf("%s: %v", f.title, err)
			}
			if height := int(f.height(false) * 2); decoded.Width != 2*int(picture.Wide) || decoded.Height != height {
				t.Errorf("%s: the PNG is %d×%d pixels, want %d×%d", f.title, decoded.Width, decoded.Height, 2*int(picture.Wide), height)
			}
		}
	}
}

// TestLarge: the page and the picture of very many requests have at most 2 MB.
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
	figures := report.Comparisons[0].figures()
	if len(figures) != 2 || figures[1].last-figures[1].first > 5 {
		t.Errorf("there are %d figures, want one of all and one of five periods", len(figures))
	}
	svg := figures[0].svg()
	checkXML(t, "large", svg)
	const most = 2_000_000
	if len(page) > most || len(svg) > most {
		t.Errorf("the page is %d bytes, the SVG %d, want at most %d", len(page), len(svg), most)
	}
}

// TestSliding compares what passed in the last period with numbers that were counted by hand.
func TestSliding(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		entries []spanEntry
		want    []picture.Step
	}{
		"none":           {nil, nil},
		"one":            {[]spanEntry{{s, 2}}, []picture.Step{{X: 1, Y: 2}, {X: 3}}},
		"two at a time":  {[]spanEntry{{s, 2}, {s, 1}}, []picture.Step{{X: 1, Y: 3}, {X: 3}}},
		"within":         {[]spanEntry{{0, 1}, {s, 1}}, []picture.Step{{Y: 1}, {X: 1, Y: 2}, {X: 2, Y: 1}, {X: 3}}},
		"a period apart": {[]spanEntry{{0, 1}, {2 * s, 1}}, []picture.Step{{Y: 1}, {X: 2, Y: 1}, {X: 4}}},
	} {
		if got := sliding(test.entries, 2*s); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

// TestCurves: for the key of each built-in trace the curves agree with the totals.
func TestCurves(t *testing.T) {
	for _, c := range compared(t, trace.Builtin()...).Comparisons {
		for _, run := range c.Runs {
			curves := c.curves(run, c.shown())
			if got := highest(curves.passed); got != float64(run.Totals.MostInPeriod) {
				t.Errorf("%s, %s: %v passed at most, want %d", c.Trace.Name, run.Name(), got, run.Totals.MostInPeriod)
			}
			if got := highest(curves.arrived); got != float64(c.mostArrived(c.Trace.Limit.Period)) {
				t.Errorf("%s, %s: %v arrived at most, want %d", c.Trace.Name, run.Name(), got, c.mostArrived(c.Trace.Limit.Period))
			}
			times := curves.times[0]
			if len(times[atOnce]) != run.Totals.Admitted-run.Totals.Delayed || len(times[delayed]) != run.Totals.Delayed || len(times[refusedOnes]) != run.Totals.Denied {
				t.Errorf("%s, %s: %d, %d, %d requests are shown, want %+v", c.Trace.Name, run.Name(), len(times[0]), len(times[1]), len(times[2]), run.Totals)
			}
		}
	}
}

// TestDenied: the table and the pictures have the most denied keys first, not those with the most requests.
func TestDenied(t *testing.T) {
	tr := trace.Trace{Name: "denied", Limit: algorithms.PerSecond(2)}
	for i := range 40 { // "steady" has most requests, "burst" and "other" have the denied ones
		tr.Arrivals = append(tr.Arrivals, trace.Arrival{At: time.Duration(i) * time.Second, Key: "steady", Cost: 1})
		if i < 20 {
			tr.Arrivals = append(tr.Arrivals, trace.Arrival{At: time.Duration(i) * time.Second, Key: "quiet", Cost: 1})
		}
	}
	for i := range 12 {
		tr.Arrivals = append(tr.Arrivals, trace.Arrival{At: 40 * time.Second, Key: "burst", Cost: 1})
		if i < 5 {
			tr.Arrivals = append(tr.Arrivals, trace.Arrival{At: 40 * time.Second, Key: "other", Cost: 1})
		}
	}
	c := compared(t, tr).Comparisons[0]
	if got := c.shown(); !slices.Equal(got, []string{"burst", "other"}) {
		t.Errorf("the pictures show %q", got)
	}
	_, lines := c.keys(20)
	want := [][]string{{"burst", "12", "10", "10", "10", "9"}, {"other", "5", "3", "3", "3", "2"}}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got the keys %q, want %q", lines, want)
	}
	const answer = "Of 77 requests, fixedwindow, slidinglog, gcra and leakybucket deny 16.9%, and the queue 14.3%. The queue delays 6.1% of the requests that it admits, by 0.5s at p50 and 1s at p99. " +
		"2 of 4 keys are ever denied; burst has 78.0% of all denials. In the worst 1s of one key, each passes 2. A limit of 12/second would deny none."
	if got := c.Answer(); got != answer {
		t.Errorf("got the answer\n%s\nwant\n%s", got, answer)
	}
	c = compared(t, trace.Trace{Name: "none", Limit: algorithms.PerSecond(99), Arrivals: tr.Arrivals}).Comparisons[0]
	if got, want := c.Answer(), "None of 77 requests is denied. The queue delays 19.5% of the requests that it admits, by 40ms at p50 and 0.111s at p99. In the worst 1s of one key, each passes 12. The most that arrived in any 1s is 12."; got != want {
		t.Errorf("got the answer\n%s\nwant\n%s", got, want)
	}
}

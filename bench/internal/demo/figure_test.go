package demo

import (
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/browser"
	"github.com/go-weir/weir/bench/internal/httpload"
)

// told returns a report with an outcome for each of the numbers. In an outcome, both kinds admit that number of requests.
// The limit allows all of them for the first kind, and 1 to half of them for the second.
func told(numbers ...int) report {
	r := report{Server: "a server", Processes: processes(6), Kinds: kinds[:2]}
	requests := make([]request, numbers[len(numbers)-1])
	times := make([]time.Duration, len(requests))
	for i := range requests {
		times[i] = 2 * time.Second / time.Duration(len(requests)) * time.Duration(i)
		requests[i] = request{times[i], times[i], http.StatusOK}
	}
	for _, n := range numbers {
		half := (n + 1) / 2
		o := outcome{drive: drive{algorithms.PerMinute(int64(n)), httpload.Load{Connections: 64, For: 2 * time.Second}}}
		for i, e := range []expected{{n, n, times[:n]}, {min(1, half), half, times[:half]}} {
			o.all = append(o.all, count{kind: kinds[i], requests: requests[:n], admitted: times[:n], expected: e})
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	return r
}

// TestFigure checks charts of many numbers of requests. The highest labelled level is just below the top in some of them, at
// half the height in others, and in between in the rest. Some of the numbers are long.
func TestFigure(t *testing.T) {
	r := told(1, 2, 3, 10, 11, 99, 100, 101, 199, 200, 201, 202, 499, 500, 501, 999, 1000, 1001, 1024, 1999, 2000, 4999, 5000, 9999, 10_000, 200_000, 1_000_000)
	r.Outcomes[0].limit = r.Outcomes[0].limit.WithBurst(123_456_789)
	to := places{page: filepath.Join(t.TempDir(), "demo.html")}
	if err := r.write(to); err != nil {
		t.Fatal(err)
	}
	browser.CheckPage(t, to.page, browser.Wants{Pictures: 1, Texts: []string{
		"One limit, 6 processes", "GET, compare, SET", "Limit 202/minute: 64 connections for 2s", "1 to 500000", "+500000",
	}})
}

// TestFiles: the pictures have the format of their names.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	to := places{svg: filepath.Join(dir, "demo.svg"), png: filepath.Join(dir, "demo.png")}
	if err := told(10, 20).write(to); err != nil {
		t.Fatal(err)
	}
	svg, err := os.Open(to.svg)
	if err != nil {
		t.Fatal(err)
	}
	defer svg.Close()
	for decoder := xml.NewDecoder(svg); err == nil; {
		_, err = decoder.Token()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the SVG: %v", err)
	}
	drawn, err := os.Open(to.png)
	if err != nil {
		t.Fatal(err)
	}
	defer drawn.Close()
	if _, err := png.Decode(drawn); err != nil {
		t.Errorf("the PNG: %v", err)
	}
}

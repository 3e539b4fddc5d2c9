package compare

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-weir/weir/bench/internal/picture"
)

func TestAxis(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, test := range []struct {
		first, last time.Duration
		width       int
		start, cell time.Duration
		cells       int
		times       string
	}{
		{0, 0, 60, 0, time.Microsecond, 1, "0"},
		{0, 10 * s, 60, 0, 200 * ms, 51, "0         2s        4s        6s        8s        10s"},
		{0, 10 * s, 51, 0, 200 * ms, 51, "0         2s        4s        6s        8s"}, // no room for 10s
		{0, 10 * s, 50, 0, 500 * ms, 21, "0         5s        10s"},
		{4 * s, 10 * s, 101, 0, 100 * ms, 101, "0         1s        2s        3s        4s        5s        6s        7s        8s        9s"},
		{6 * s, 10 * s, 81, 6 * s, 50 * ms, 81, "6s        6.5s      7s        7.5s      8s        8.5s      9s        9.5s"},
		{0, time.Hour, 70, 0, time.Minute, 61, "0         10m       20m       30m       40m       50m       1h"},
		{0, 40 * time.Microsecond, 50, 0, time.Microsecond, 41, "0         10µs      20µs      30µs      40µs"},
		{100*s + 1, 100*s + 1, 50, 100 * s, time.Microsecond, 1, "1m40s"},
	} {
		a := newAxis(picture.Clock{}, test.first, test.last, test.width)
		if a.start != test.start || a.cell != test.cell || a.cells != test.cells {
			t.Errorf("%v to %v: got %+v, want %+v", test.first, test.last, a, test)
		}
		times, ruler := a.labels()
		if times != test.times || utf8.RuneCountInString(ruler) != a.cells {
			t.Errorf("%v to %v: got labels\n%s\n%s\nwant\n%s", test.first, test.last, times, ruler, test.times)
		}
	}
}

// TestAxisOfAClock: if a trace has a start time, columns and labels are at round times of the clock, and the label at
// midnight is the date.
func TestAxisOfAClock(t *testing.T) {
	for _, test := range []struct {
		start string
		last  time.Duration
		width int
		cell  time.Duration
		times string
	}{
		{"13:57:03", 6 * time.Minute, 40, 10 * time.Second, "      13:58       14:00       14:02"},
		{"22:30:00", 3 * time.Hour, 40, 5 * time.Minute, "      23:00       25 Nov      01:00"},
		{"13:57:00", 3 * time.Second, 61, 50 * time.Millisecond, "13:57:00            13:57:01            13:57:02"},
	} {
		start, err := time.Parse(time.DateTime, "2026-11-24 "+test.start)
		if err != nil {
			t.Fatal(err)
		}
		a := newAxis(picture.Clock{Start: start}, 0, test.last, test.width)
		if times, _ := a.labels(); a.cell != test.cell || times != test.times || a.column(0) != 0 {
			t.Errorf("%s: got columns of %v, with the labels\n%q\nwant %v\n%q", test.start, a.cell, times, test.cell, test.times)
		}
	}
}

// TestAxisOfAnyTrace: a trace of any length fits on the axis, and the axis has a label.
func TestAxisOfAnyTrace(t *testing.T) {
	for length := time.Microsecond; length < 100*365*24*time.Hour; length = length*3/2 + 1000 {
		for _, first := range []time.Duration{0, length / 3, length / 10 * 9, length} {
			for _, width := range []int{45, 85, 1000} {
				a := newAxis(picture.Clock{}, first, length, width)
				if a.cells > width || a.column(first) < 0 || a.column(length) != a.cells-1 {
					t.Fatalf("%v to %v in %d columns: %+v", first, length, width, a)
				}
				if times, _ := a.labels(); times == "" || utf8.RuneCountInString(times) > width {
					t.Fatalf("%v to %v in %d columns: labels %q", first, length, width, times)
				}
			}
		}
	}
}

func TestBar(t *testing.T) {
	for _, test := range []struct {
		n, most int
		want    rune
	}{{0, 5, ' '}, {1, 1, '█'}, {1, 1000, '▁'}, {4, 8, '▄'}, {8, 8, '█'}, {7, 8, '▇'}, {999, 1000, '█'}, {875, 1000, '▇'}} {
		if got := bar(test.n, test.most); got != test.want {
			t.Errorf("bar(%d, %d) is %c, want %c", test.n, test.most, got, test.want)
		}
	}
}

func TestColor(t *testing.T) {
	r := row{"x", []rune("█▄·"), []paint{passed, mixed, refused}}
	if got := r.line(false); got != "█▄·" {
		t.Errorf("without colour: %q", got)
	}
	if got, want := r.line(true), "\x1b[0m\x1b[32m█\x1b[0m\x1b[32;41m▄\x1b[0m\x1b[31m·\x1b[0m"; got != want {
		t.Errorf("with colour: %q, want %q", got, want)
	}
}

package compare

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An axis divides a stretch of time into the columns of a timeline.
type axis struct {
	start time.Duration // of the first column
	cell  time.Duration // the length of time of each
	cells int
	width int // how many columns there is room for
}

// newAxis returns the axis of at most width columns that shows everything from first to last. It
// begins at 0 unless that would leave the better part of it empty.
func newAxis(first, last time.Duration, width int) axis {
	if first <= last/2 {
		first = 0
	}
	for cell := range lengths {
		start := first - first%cell
		if cells := (last-start)/cell + 1; cells <= time.Duration(width) {
			return axis{start, cell, int(cells), width}
		}
	}
	panic("unreachable: lengths has no end")
}

// lengths yields the lengths of time that columns and ticks can have, in ascending order: those that
// one can count in, up to doublings of a day.
func lengths(yield func(time.Duration) bool) {
	for unit := time.Microsecond; unit <= time.Second; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if !yield(n * unit) {
				return
			}
		}
	}
	const minute, hour, day = time.Minute, time.Hour, 24 * time.Hour
	for _, length := range []time.Duration{
		10 * time.Second, 20 * time.Second, 30 * time.Second, minute, 2 * minute, 5 * minute, 10 * minute,
		20 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour,
	} {
		if !yield(length) {
			return
		}
	}
	for length := day; yield(length); length *= 2 {
	}
}

// column returns the column that a time lies in.
func (a axis) column(at time.Duration) int { return int((at - a.start) / a.cell) }

// labels returns the ruler over the columns, and the times that stand above its ticks.
func (a axis) labels() (times, ruler string) {
	line := []rune(strings.Repeat("─", a.cells))
	var above strings.Builder
	end := 0 // the column after the last label
	for _, column := range a.ticks() {
		line[column] = '┬'
		label := a.label(column)
		if width := utf8.RuneCountInString(label); column+width <= a.width {
			above.WriteString(strings.Repeat(" ", column-end) + label)
			end = column + width
		}
	}
	return above.String(), string(line)
}

// label is the time at which a column begins.
func (a axis) label(column int) string { return shortTime(a.start + time.Duration(column)*a.cell) }

// ticks returns the columns that have a label: as many as there is room for, at least one.
func (a axis) ticks() []int {
	for every := range lengths {
		spacing := int(every / a.cell)
		if every%a.cell != 0 || spacing < 8 {
			continue
		}
		var columns []int
		widest := 0
		for column := a.column((a.start + every - 1) / every * every); column < a.cells; column += spacing {
			columns = append(columns, column)
			widest = max(widest, utf8.RuneCountInString(a.label(column)))
		}
		switch {
		case len(columns) == 0:
			return []int{0} // no such time is on the axis
		case widest+2 < spacing:
			return columns
		}
	}
	panic("unreachable: lengths has no end")
}

// shortTime returns a time as one reads it on an axis: 250µs, 20ms, 0.5s, 1m30s, 2h.
func shortTime(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%gµs", float64(d)/float64(time.Microsecond))
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%gms", float64(d)/float64(time.Millisecond))
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

package compare

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-weir/weir/bench/internal/picture"
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
	for cell := range picture.Lengths() {
		start := first - first%cell
		if cells := (last-start)/cell + 1; cells <= time.Duration(width) {
			return axis{start, cell, int(cells), width}
		}
	}
	panic("unreachable: the lengths have no end")
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
func (a axis) label(column int) string {
	return picture.ShortTime(a.start + time.Duration(column)*a.cell)
}

// ticks returns the columns that have a label: as many as there is room for, at least one.
func (a axis) ticks() []int {
	for every := range picture.Lengths() {
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
	panic("unreachable: the lengths have no end")
}

package compare

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-weir/weir/bench/internal/picture"
)

// An axis divides a span of time into the columns of a timeline.
type axis struct {
	clock picture.Clock
	start time.Duration // the beginning of the first column
	cell  time.Duration // the length of each column
	cells int
	width int // the number of columns that there is room for
}

// newAxis returns the axis of at most width columns that shows everything from first to last. It begins at 0 unless more
// than half of it would then be empty. Columns begin at round times of the clock.
func newAxis(clock picture.Clock, first, last time.Duration, width int) axis {
	if first <= last/2 {
		first = 0
	}
	for cell := range picture.Lengths() {
		start := clock.RoundDown(first, cell)
		if cells := (last-start)/cell + 1; cells <= time.Duration(width) {
			return axis{clock, start, cell, int(cells), width}
		}
	}
	panic("unreachable: the lengths have no end")
}

// column returns the column of a time.
func (a axis) column(at time.Duration) int { return int((at - a.start) / a.cell) }

// A mark is a column of the ruler that has a label.
type mark struct {
	column int
	label  string
}

// labels returns the ruler over the columns, and the line with the times above its ticks.
func (a axis) labels() (times, ruler string) {
	line := []rune(strings.Repeat("─", a.cells))
	var above strings.Builder
	end := 0 // the column after the last label
	for _, m := range a.marks() {
		line[m.column] = '┬'
		if width := utf8.RuneCountInString(m.label); m.column+width <= a.width {
			above.WriteString(strings.Repeat(" ", m.column-end) + m.label)
			end = m.column + width
		}
	}
	return above.String(), string(line)
}

// marks returns the columns that have a label: at least one, and as many as there is room for.
func (a axis) marks() []mark {
	for every := range picture.Lengths() {
		spacing := int(every / a.cell)
		if every%a.cell != 0 || spacing < 8 {
			continue
		}
		var marks []mark
		widest := 0
		first := a.clock.RoundDown(a.start+every-1, every)
		for column := a.column(first); column < a.cells; column += spacing {
			m := mark{column, a.clock.Label(a.start+time.Duration(column)*a.cell, every)}
			marks = append(marks, m)
			widest = max(widest, utf8.RuneCountInString(m.label))
		}
		switch {
		case len(marks) == 0: // no such time is on the axis
			return []mark{{0, a.clock.Label(a.start, a.cell)}}
		case widest+2 < spacing:
			return marks
		}
	}
	panic("unreachable: the lengths have no end")
}

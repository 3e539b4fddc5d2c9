package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/picture"
)

// Glyphs of a timeline, besides bars.
const (
	levels = "▁▂▃▄▅▆▇█"
	denied = '·'
)

// paint is the meaning of a cell in a timeline, which determines its colour.
type paint int

const (
	plain   paint = iota
	passed        // no request was denied
	mixed         // some requests passed, others were denied
	refused       // all requests were denied
	waiting       // requests in the queue
)

// The escape sequences of terminals. The background of a mixed cell is red, so that the denied requests appear above the
// bar.
var ansi = [...]string{passed: "\x1b[32m", mixed: "\x1b[32;41m", refused: "\x1b[31m", waiting: "\x1b[33m"}

const (
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

// A row of a timeline is one line of cells.
type row struct {
	name   string
	glyphs []rune
	paints []paint
}

// timeline returns the comparison drawn over time, at most width columns wide: what arrived, and when each algorithm let
// requests through.
func (c Comparison) timeline(width int, color bool) string {
	label := len("arrivals")
	for _, run := range c.Runs {
		label = max(label, len(run.Name()))
	}
	label += 2
	first, last := c.span()
	axis := newAxis(picture.Clock{Start: c.Trace.Start}, first, last, width-label)

	tallies := make([]tally, len(c.Runs))
	most, longest := 0, 0
	for i, run := range c.Runs {
		tallies[i] = c.tally(run, axis)
		most = max(most, slices.Max(tallies[i].arrived), slices.Max(tallies[i].left))
		longest = max(longest, slices.Max(tallies[i].waiting))
	}
	rows := []row{tallies[0].arrivals(most)}
	for i, run := range c.Runs {
		rows = append(rows, tallies[i].outcomes(run.Name(), most))
		if run.Totals.Delayed > 0 {
			rows = append(rows, tallies[i].queue("  waiting", longest))
		}
	}

	var b strings.Builder
	times, ruler := axis.labels()
	fmt.Fprintf(&b, "%*s%s\n%*s%s\n", label, "", times, label, "", ruler)
	for _, row := range rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s%s", label, row.name, row.line(color)), " ") + "\n")
	}
	b.WriteString(wrap(legend(axis, most, longest), width))
	return b.String()
}

// span returns when the first request arrived, and when the last one arrived or left.
func (c Comparison) span() (first, last time.Duration) {
	arrivals := c.Trace.Arrivals
	first, last = arrivals[0].At, arrivals[len(arrivals)-1].At
	for _, run := range c.Runs {
		for i, outcome := range run.Outcomes {
			last = max(last, arrivals[i].At+outcome.Delay)
		}
	}
	return first, last
}

// legend explains the timeline. longest is the length of the longest queue, or 0 if nothing waited.
func legend(a axis, most, longest int) string {
	s := fmt.Sprintf("One column is %s. █ is %s. A bar that is lower than that of the arrivals means that some requests were denied, %c that all were.", picture.ShortTime(a.cell), plural(most, "request"), denied)
	if longest > 0 {
		s += fmt.Sprintf(" The row of the queue shows requests when they leave it, the row waiting how many are in it (█ is %s).", counted(longest))
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", counted(n), noun)
}

// A tally counts requests in each column.
type tally struct {
	arrived []int
	denied  []int
	left    []int // let through; a delayed request counts when it leaves the queue
	waiting []int // the largest number in the queue at any one moment
}

func (c Comparison) tally(run Run, a axis) tally {
	t := tally{make([]int, a.cells), make([]int, a.cells), make([]int, a.cells), make([]int, a.cells)}
	for i, outcome := range run.Outcomes {
		at := c.Trace.Arrivals[i].At
		t.arrived[a.column(at)]++
		if !outcome.Allowed {
			t.denied[a.column(at)]++
			continue
		}
		t.left[a.column(at+outcome.Delay)]++
	}
	changes := c.queued(run, func(string) bool { return true })
	now, next := 0, 0
	for column := range t.waiting {
		t.waiting[column] = now
		for ; next < len(changes) && a.column(changes[next].at) == column; next++ {
			now = changes[next].now
			t.waiting[column] = max(t.waiting[column], now)
		}
	}
	return t
}

// A change is a time at which the number of waiting requests changes, and the new number.
type change struct {
	at  time.Duration
	now int
}

// queued returns the changes of the number of waiting requests. It counts the keys for which counts returns true.
func (c Comparison) queued(run Run, counts func(key string) bool) []change {
	var changes []change // at first, now is the difference: 1 or -1
	for i, outcome := range run.Outcomes {
		if arrival := c.Trace.Arrivals[i]; outcome.Delay > 0 && counts(arrival.Key) {
			changes = append(changes, change{arrival.At, 1}, change{arrival.At + outcome.Delay, -1})
		}
	}
	slices.SortFunc(changes, func(x, y change) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.now, y.now)) // at equal times, departures come first
	})
	now := 0
	for i := range changes {
		now += changes[i].now
		changes[i].now = now
	}
	return changes
}

// arrivals returns the row of arrivals.
func (t tally) arrivals(most int) row {
	return drawRow("arrivals", len(t.arrived), func(i int) (rune, paint) { return bar(t.arrived[i], most), plain })
}

// outcomes returns the row of admitted and denied requests.
func (t tally) outcomes(name string, most int) row {
	return drawRow(name, len(t.left), func(i int) (rune, paint) {
		switch {
		case t.left[i] == 0 && t.denied[i] > 0:
			return denied, refused
		case t.denied[i] > 0:
			return bar(t.left[i], most), mixed
		}
		return bar(t.left[i], most), passed
	})
}

// queue returns the row of how many waited.
func (t tally) queue(name string, most int) row {
	return drawRow(name, len(t.waiting), func(i int) (rune, paint) { return bar(t.waiting[i], most), waiting })
}

func drawRow(name string, cells int, cell func(int) (rune, paint)) row {
	r := row{name, make([]rune, cells), make([]paint, cells)}
	for i := range cells {
		r.glyphs[i], r.paints[i] = cell(i)
	}
	return r
}

// bar returns a count as the glyph of a bar. The bar is full if n is most, and empty only if n is 0.
func bar(n, most int) rune {
	if n == 0 {
		return ' '
	}
	bars := []rune(levels)
	return bars[(n*len(bars)+most-1)/most-1]
}

// line returns the row's cells, with colours if color is set.
func (r row) line(color bool) string {
	if !color {
		return string(r.glyphs)
	}
	var b strings.Builder
	for i, glyph := range r.glyphs {
		if i == 0 || r.paints[i] != r.paints[i-1] {
			b.WriteString(reset + ansi[r.paints[i]])
		}
		b.WriteRune(glyph)
	}
	return b.String() + reset
}

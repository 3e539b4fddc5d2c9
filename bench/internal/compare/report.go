package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A Report is the result of the command.
type Report struct {
	Server      string    // the server on which the command ran
	Command     string    // the command line
	Date        time.Time // when the command ran
	Comparisons []Comparison
}

// decisions returns the number of decisions.
func (r Report) decisions() (n int) {
	for _, c := range r.Comparisons {
		n += len(c.Trace.Arrivals) * len(c.Runs)
	}
	return n
}

// Text returns the report as text, with at most width columns if possible.
func (r Report) Text(width int, color bool) string {
	var b strings.Builder
	b.WriteString(wrap(fmt.Sprintf("On %s, in simulated time.", r.Server), width))
	for i, c := range r.Comparisons {
		b.WriteString("\n")
		if same := r.sameTrace(i); i == 0 || r.sameTrace(i - 1)[0].Trace.Name != c.Trace.Name {
			for _, note := range c.Trace.Notes {
				b.WriteString(wrap(note, width))
			}
			if len(c.Trace.Notes) > 0 {
				b.WriteString("\n")
			}
			if len(same) > 1 {
				b.WriteString(limitTable(same, width) + "\n")
			}
		}
		b.WriteString(c.text(width, color))
	}
	return b.String()
}

// sameTrace returns the i-th comparison, and those after it that have the same trace.
func (r Report) sameTrace(i int) []Comparison {
	n := i + 1
	for n < len(r.Comparisons) && r.Comparisons[n].Trace.Name == r.Comparisons[i].Trace.Name {
		n++
	}
	return r.Comparisons[i:n]
}

// limitTable returns a table of how much each algorithm denies under each limit.
func limitTable(all []Comparison, width int) string {
	header := []string{"denied under"}
	for _, run := range all[0].Runs {
		header = append(header, strings.Join(run.Names, ",\n"))
	}
	var lines [][]string
	for _, c := range all {
		line := []string{c.Trace.Limit.String()}
		for _, run := range c.Runs {
			line = append(line, percent(run.Totals.Denied, run.Totals.Requests))
		}
		lines = append(lines, line)
	}
	return fitted(header, lines, width)
}

// Title names the trace and the limit.
func (c Comparison) Title() string {
	title := fmt.Sprintf("%s, limit %s", c.Trace.Name, c.Trace.Limit)
	if c.Trace.And.Rate > 0 {
		title += fmt.Sprintf(", allof also %s", c.Trace.And)
	}
	if c.Aligned {
		title += ", fixed windows aligned"
	}
	return title
}

func (c Comparison) text(width int, color bool) string {
	title := wrap(c.Title()+": "+c.Trace.About, width)
	if color {
		title = bold + title + reset
	}
	var b strings.Builder
	b.WriteString(title + wrap(c.Answer(), width) + "\n" + c.table(width))
	for _, note := range c.notes() {
		b.WriteString(wrap(note, width))
	}
	if keys := c.keyTable(width); keys != "" {
		b.WriteString("\n" + keys)
	}
	b.WriteString("\n" + c.timeline(width, color) + wrap(c.Trace.Look, width))
	return b.String()
}

// wrap returns s as lines of at most width columns. Each line ends with a newline. For an empty s it returns "".
func wrap(s string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text.WrapSoft(s, width)) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// notes returns sentences that explain numbers of the table, as far as they need it.
func (c Comparison) notes() (notes []string) {
	if n := len(c.Requests); n > 1 {
		notes = append(notes, fmt.Sprintf("Each of the %s keys has a limit of its own. The numbers are sums over all keys, but the most in any %s is that of one key.", counted(n), picture.ShortTime(c.Trace.Limit.Period)))
	}
	if slices.ContainsFunc(c.Runs, func(r Run) bool { return r.Kind.Name == allofName }) {
		note := fmt.Sprintf("allof is gcra under %s and fixedwindow under %s as one decision: if either denies a request, neither is charged.",
			c.Trace.Limit, cmp.Or(c.Trace.And, c.Trace.Limit))
		if c.Aligned {
			note += " Its windows are not aligned."
		}
		notes = append(notes, note)
	}
	if !c.Trace.Costs() {
		return notes
	}
	var admitted, over []string
	for _, run := range c.Runs {
		if weighs(run.Kind) {
			admitted = append(admitted, fmt.Sprintf("%s %s", and(run.Names), counted(int(run.Totals.Events))))
		} else {
			notes = append(notes, run.Name()+" ignores costs: it counts each request as 1.")
		}
		if n := run.Totals.OverLimit; n > 0 {
			over = append(over, fmt.Sprintf("%s %s", and(run.Names), counted(n)))
		}
	}
	if len(admitted) > 0 {
		notes = append(notes, "Admitted by cost: "+strings.Join(admitted, ", ")+".")
	}
	if len(over) > 0 {
		notes = append(notes, "Requests that cost more than the limit can ever admit, and are neither admitted nor denied: "+strings.Join(over, ", ")+".")
	}
	return notes
}

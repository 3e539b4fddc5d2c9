package compare

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/go-weir/weir/bench/internal/picture"
)

// A Report is what the command found out.
type Report struct {
	Server      string // what it ran on
	Comparisons []Comparison
}

// Text returns the report for people, at most width columns wide where that can be.
func (r Report) Text(width int, color bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s, in simulated time.\n", r.Server)
	for _, c := range r.Comparisons {
		b.WriteString("\n" + c.text(width, color))
	}
	return b.String()
}

func (c Comparison) text(width int, color bool) string {
	t := c.Trace
	title := fmt.Sprintf("%s, limit %s", t.Name, t.Limit)
	if c.Aligned {
		title += ", fixed windows aligned"
	}
	title = wrap(title+": "+t.About, width)
	if color {
		title = bold + title + reset
	}
	var b strings.Builder
	b.WriteString(title + wrap(t.Look, width) + "\n" + c.table())
	for _, note := range c.notes() {
		b.WriteString(wrap(note, width))
	}
	b.WriteString("\n" + c.timeline(width, color))
	return b.String()
}

// wrap returns s as lines of at most width columns, each with its end; none for no text.
func wrap(s string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text.WrapSoft(s, width)) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// notes say what the table's numbers mean where that isn't plain.
func (c Comparison) notes() (notes []string) {
	if n := c.Trace.Keys(); n > 1 {
		notes = append(notes, fmt.Sprintf("%d keys, each limited for itself: numbers are sums over them, but the most in any %s is that of one key.", n, picture.ShortTime(c.Trace.Limit.Period)))
	}
	if !c.Trace.Costs() {
		return notes
	}
	var admitted []string
	for _, run := range c.Runs {
		if weighs(run.Kind) {
			admitted = append(admitted, fmt.Sprintf("%s %d", run.Kind.Name, run.Totals.Events))
		} else {
			notes = append(notes, run.Kind.Name+" has no costs: it counts each request as 1.")
		}
	}
	if len(admitted) > 0 {
		notes = append(notes, "Admitted by cost: "+strings.Join(admitted, ", ")+".")
	}
	return notes
}

package demo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/tables"
)

// text returns the report as it is printed.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s; %s behind one address.\n", r.Server, r.Processes)
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "Note: %s.\n", warning)
	}
	if note := r.InterruptedNote(); note != "" {
		b.WriteString("Note: " + note + "\n")
	}
	for _, o := range r.Outcomes {
		fmt.Fprintf(&b, "\n%s\n\n", o.Title())
		w := tables.New(row(header))
		for _, line := range o.Lines() {
			w.AppendRow(row(line))
		}
		b.WriteString(tables.Render(w))
		for _, note := range o.Notes() {
			b.WriteString(note + "\n")
		}
	}
	b.WriteString("\n")
	for _, k := range r.Kinds {
		fmt.Fprintf(&b, "%-18s%s\n", k.Name, k.About)
	}
	return b.String()
}

// interruptedNote says what is missing in a report that was interrupted.
const interruptedNote = "interrupted; the last table has what was answered until then, so that admitted requests which were under way are missing."

func row(cells []string) (r table.Row) {
	for _, cell := range cells {
		r = append(r, cell)
	}
	return r
}

// header has the names of a table's columns.
var header = []string{"limiter", "requests", "200 OK", "the limit\nsays", "off by", "429 Too Many\nRequests", "failed"}

// Lines returns the lines of the drive's table.
func (o outcome) Lines() (lines [][]string) {
	for _, c := range o.all {
		off := "-"
		if c.off() != 0 {
			off = fmt.Sprintf("%+d", c.off())
		}
		lines = append(lines, []string{
			c.kind.Name, strconv.Itoa(len(c.requests) + c.failed), strconv.Itoa(len(c.admitted)), c.right(), off,
			strconv.Itoa(c.refused()), dash(c.failed),
		})
	}
	return lines
}

func dash(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// Notes returns sentences that say how requests failed, if any did.
func (o outcome) Notes() (notes []string) {
	for _, c := range o.all {
		if c.failed > 0 {
			notes = append(notes, fmt.Sprintf("Of %s the first to fail had %s.", c.kind.Name, c.why))
		}
	}
	return notes
}

// Title returns the limit and the load of the drive.
func (o outcome) Title() string { return fmt.Sprintf("Limit %s: %s", o.limit, o.load) }

// right returns how many requests the limit lets through.
func (e expected) right() string {
	if e.low == e.high {
		return strconv.Itoa(e.low)
	}
	return fmt.Sprintf("%d to %d", e.low, e.high)
}

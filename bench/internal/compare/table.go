package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mattn/go-runewidth"

	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/tables"
)

// totals returns the comparison's totals: the names of the columns, some of them on two lines, and a line for each
// algorithm.
func (c Comparison) totals() (header []string, lines [][]string) {
	limit := c.Trace.Limit
	header = []string{
		"algorithm", "admitted", "denied", "delay\np50", "delay\np99", "retry\np50", "retry\np99",
		"most in\nany " + picture.ShortTime(limit.Period),
	}
	for _, run := range c.Runs {
		t := run.Totals
		lines = append(lines, []string{
			strings.Join(run.Names, ",\n"), counted(t.Admitted), percent(t.Denied, t.Requests),
			wait(t.Delay.P50), wait(t.Delay.P99), wait(t.Retry.P50), wait(t.Retry.P99),
			fmt.Sprintf("%s (%.1f×)", counted(int(t.MostInPeriod)), float64(t.MostInPeriod)/float64(limit.Rate)),
		})
	}
	return header, lines
}

// spare are the columns of a table that are left out, in this order, until the table fits.
var spare = []string{"delay\np50", "retry\np50", "delay\np99", "admitted", "requests"}

// fitted renders a table. If it is wider than width, fitted leaves out spare columns one by one until it fits or none is
// left.
func fitted(header []string, lines [][]string, width int) string {
	header = slices.Clone(header)
	for _, name := range append(slices.Clone(spare), "") {
		w := tables.New(tableRow(header))
		for _, line := range lines {
			w.AppendRow(tableRow(line))
		}
		text := tables.Render(w)
		if name == "" || columns(text) <= width {
			return text
		}
		i := slices.Index(header, name)
		if i < 0 {
			continue
		}
		header = slices.Delete(header, i, i+1)
		for n, line := range lines {
			lines[n] = slices.Delete(slices.Clone(line), i, i+1)
		}
	}
	panic("unreachable: the last name is empty")
}

// columns returns the width of the widest line of a text.
func columns(text string) (widest int) {
	for line := range strings.Lines(text) {
		widest = max(widest, runewidth.StringWidth(strings.TrimSuffix(line, "\n")))
	}
	return widest
}

// table returns the comparison's totals for a terminal.
func (c Comparison) table(width int) string {
	header, lines := c.totals()
	return fitted(header, lines, width)
}

// keyTable returns a table of the most denied keys for a terminal, or "" if no key is denied. Keys are cut to the room that
// the other columns leave.
func (c Comparison) keyTable(width int) string {
	const fewest, most = 12, 40
	header, lines := c.keys(most)
	if len(lines) == 0 {
		return ""
	}
	if over := columns(fitted(header, lines, 1<<20)) - width; over > 0 {
		widest := 0
		for _, line := range lines {
			widest = max(widest, runewidth.StringWidth(line[0]))
		}
		_, lines = c.keys(max(fewest, widest-over))
	}
	return fitted(header, lines, width)
}

func tableRow(cells []string) (row table.Row) {
	for _, cell := range cells {
		row = append(row, cell)
	}
	return row
}

// wait formats a wait for a table: with about three digits, or as "-" if it is 0.
func wait(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Millisecond:
		return picture.ShortTime(d)
	case d < time.Second:
		return picture.ShortTime(d.Round(time.Millisecond))
	case d < time.Minute:
		return picture.ShortTime(d.Round(10 * time.Millisecond))
	case d < time.Hour:
		return picture.ShortTime(d.Round(time.Second))
	}
	return picture.ShortTime(d.Round(time.Minute))
}

package compare

import (
	"fmt"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/tables"
)

// totals returns the comparison's totals: the names of columns, of two words where there is room for
// two lines, and a line for each algorithm.
func (c Comparison) totals() (header []string, lines [][]string) {
	overLimit := false
	for _, run := range c.Runs {
		overLimit = overLimit || run.Totals.OverLimit > 0
	}
	limit := c.Trace.Limit
	header = []string{"algorithm", "requests", "admitted", "denied", "delayed", "longest\ndelay", "longest\nretry", "most in\nany " + picture.ShortTime(limit.Period)}
	if overLimit {
		header = append(header, "over\nlimit")
	}
	for _, run := range c.Runs {
		t := run.Totals
		line := []string{
			run.Kind.Name, strconv.Itoa(t.Requests), strconv.Itoa(t.Admitted), strconv.Itoa(t.Denied), strconv.Itoa(t.Delayed),
			wait(t.LongestDelay), wait(t.LongestRetry),
			fmt.Sprintf("%d (%.1f×)", t.MostInPeriod, float64(t.MostInPeriod)/float64(limit.Rate)),
		}
		if overLimit {
			line = append(line, strconv.Itoa(t.OverLimit))
		}
		lines = append(lines, line)
	}
	return header, lines
}

// table returns the comparison's totals for a terminal.
func (c Comparison) table() string {
	header, lines := c.totals()
	w := tables.New(tableRow(header))
	for _, line := range lines {
		w.AppendRow(tableRow(line))
	}
	return tables.Render(w)
}

func tableRow(cells []string) (row table.Row) {
	for _, cell := range cells {
		row = append(row, cell)
	}
	return row
}

// wait is a wait as a table shows it: three digits, or nothing for none.
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
	}
	return picture.ShortTime(d.Round(time.Second))
}

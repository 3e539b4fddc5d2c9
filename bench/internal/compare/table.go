package compare

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// table returns the comparison's totals, a line for each algorithm.
func (c Comparison) table() string {
	overLimit := false
	for _, run := range c.Runs {
		overLimit = overLimit || run.Totals.OverLimit > 0
	}
	limit := c.Trace.Limit
	header := table.Row{"algorithm", "requests", "admitted", "denied", "delayed", "longest\ndelay", "longest\nretry", "most in\nany " + shortTime(limit.Period)}
	if overLimit {
		header = append(header, "over\nlimit")
	}
	var columns []table.ColumnConfig
	for i := range header[1:] {
		columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	w := table.NewWriter()
	w.SetColumnConfigs(columns)
	w.SetStyle(style())
	w.AppendHeader(header)
	for _, run := range c.Runs {
		t := run.Totals
		line := table.Row{
			run.Kind.name, t.Requests, t.Admitted, t.Denied, t.Delayed, wait(t.LongestDelay), wait(t.LongestRetry),
			fmt.Sprintf("%d (%.1f×)", t.MostInPeriod, float64(t.MostInPeriod)/float64(limit.Rate)),
		}
		if overLimit {
			line = append(line, t.OverLimit)
		}
		w.AppendRow(line)
	}
	var b strings.Builder
	for line := range strings.Lines(w.Render() + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// style is that of a table without lines but the one under the header.
func style() table.Style {
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true}
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	return style
}

// wait is a wait as a table shows it: three digits, or nothing for none.
func wait(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Millisecond:
		return shortTime(d)
	case d < time.Second:
		return shortTime(d.Round(time.Millisecond))
	case d < time.Minute:
		return shortTime(d.Round(10 * time.Millisecond))
	}
	return shortTime(d.Round(time.Second))
}

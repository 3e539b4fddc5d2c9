// Package tables formats the tables of the program's commands. They have no lines except one below the header, and numbers
// are aligned to the right.
package tables

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// New returns a table with that header. All columns are aligned to the right, except the first and those with the names in
// left.
func New(header table.Row, left ...string) table.Writer {
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true}
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	w := table.NewWriter()
	w.SetStyle(style)
	w.AppendHeader(header)
	var columns []table.ColumnConfig
	for i, name := range header {
		if i > 0 && !slices.ContainsFunc(left, func(l string) bool { return l == name }) {
			columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	w.SetColumnConfigs(columns)
	return w
}

// Render returns the table's lines, without spaces at their ends.
func Render(w table.Writer) string {
	var b strings.Builder
	for line := range strings.Lines(w.Render() + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

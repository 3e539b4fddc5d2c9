package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/go-weir/weir/bench/internal/results"
)

// newTable returns a table whose first columns are texts. The other columns are numbers, aligned to the right.
func newTable(header table.Row, texts int) table.Writer {
	w := table.NewWriter()
	w.AppendHeader(header)
	var columns []table.ColumnConfig
	for i := texts; i < len(header); i++ {
		columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight})
	}
	w.SetColumnConfigs(columns)
	return w
}

func memoryTable(r measured, all []results.Figure) string {
	var lengths []int
	for _, f := range all {
		if !slices.Contains(lengths, f.Requests) {
			lengths = append(lengths, f.Requests)
		}
	}
	header := table.Row{"limiter"}
	for _, n := range lengths {
		header = append(header, results.Number(float64(n)))
	}
	var rows []table.Row
	for _, l := range r.Limiters {
		row := table.Row{"`" + l.Name + "`"}
		for _, n := range lengths {
			if i := slices.IndexFunc(all, func(f results.Figure) bool { return f.Limiter == l.Name && f.Requests == n }); i >= 0 {
				row = append(row, results.Million(all[i].Value(results.KeyBytes)))
			}
		}
		same := slices.IndexFunc(rows, func(other table.Row) bool { return slices.Equal(other[1:], row[1:]) })
		switch {
		case len(row) < len(header):
		case same >= 0:
			rows[same][0] = rows[same][0].(string) + ", " + row[0].(string)
		default:
			rows = append(rows, row)
		}
	}
	w := newTable(header, 1)
	w.AppendRows(rows)
	return w.RenderMarkdown() + "\n"
}

func costTable(r measured, load results.Load) string {
	w := newTable(table.Row{"limiter", "what it is", "commands", "bytes to", "bytes from", "allocations", "bytes allocated"}, 2)
	for _, s := range load.Series {
		l := r.Limiter(s.Limiter)
		row := table.Row{"`" + s.Limiter + "`", strings.TrimSpace(l.Client + ", " + string(l.Definition) + " " + l.Version)}
		for _, unit := range []string{results.Commands, results.Sent, results.Received, results.Allocs, results.AllocBytes} {
			row = append(row, results.Short(results.Median(s.Values(unit)).Center))
		}
		w.AppendRow(row)
	}
	return w.RenderMarkdown() + "\n"
}

// everything returns the figures of all limiters under all loads, by run.
func everything(runs []measured, command string) string {
	var b strings.Builder
	b.WriteString("<!-- Written by: " + command + " -->\n\n# Every limiter under every load\n\n")
	fmt.Fprintf(&b, "Figures are medians with their 95%% intervals. A ratio divides the limiter's value by that of `%s` in the same round. The"+
		" verdict is on the ratio of server CPU.\n", runs[0].Beside)
	for i, r := range runs {
		fmt.Fprintf(&b, "\n## %s: %s\n", capital(runName(i)), r.Server)
		for _, doubt := range r.Doubts {
			fmt.Fprintf(&b, "\nDOUBTFUL: %s.\n", doubt)
		}
		for _, load := range r.Loads() {
			fmt.Fprintf(&b, "\n### %s\n\n", capital(load.String()))
			w := newTable(table.Row{"limiter", "CPU, µs", "decisions/s", "p50, µs", "p99, µs", "CPU ratio", "", "decisions ratio", "failed or wrong"}, 1)
			for _, s := range load.Series {
				cpu := results.Compare(s, load.Of(r.Beside), results.ServerCPU)
				decisions := results.Compare(s, load.Of(r.Beside), results.Decisions)
				bad := results.Median(s.Values(results.Failed)).Center + results.Median(s.Values(results.Wrong)).Center
				w.AppendRow(table.Row{
					"`" + s.Limiter + "`", interval(s, results.ServerCPU, 1e6), interval(s, results.Decisions, 1), interval(s, results.P50, 1e6),
					interval(s, results.P99, 1e6), cpu, cpu.Verdict, decisions, results.Short(100*bad) + "%",
				})
			}
			b.WriteString(w.RenderMarkdown() + "\n")
		}
		if all := r.Accuracy(); len(all) > 0 {
			b.WriteString("\n### Requests admitted of one key, and the promised range\n\n")
			w := newTable(table.Row{"limiter", "requests", "admitted", "promised"}, 1)
			for _, f := range all {
				w.AppendRow(table.Row{
					"`" + f.Limiter + "`", results.Number(float64(f.Result.Iters)), results.Number(f.Value(results.Admitted)),
					results.Number(f.Value(results.Least)) + " to " + results.Number(f.Value(results.Most)),
				})
			}
			b.WriteString(w.RenderMarkdown() + "\n")
		}
	}
	return trimmed(b.String())
}

// interval returns the median of a measure with its interval.
func interval(s results.Series, m results.Measure, scale float64) string {
	summary := results.Median(s.Values(m.Unit))
	if summary.Center == 0 {
		return "-"
	}
	return results.Short(scale*summary.Center) + " ±" + summary.PctRangeString()
}

// wrapCommand breaks a command into lines.
func wrapCommand(command string) string {
	return strings.ReplaceAll(strings.TrimSpace(trimmed(text.WrapSoft(command, 110))), "\n", " \\\n    ") + "\n"
}

// trimmed returns a text without spaces at the ends of lines.
func trimmed(t string) string {
	var b strings.Builder
	for line := range strings.Lines(t) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

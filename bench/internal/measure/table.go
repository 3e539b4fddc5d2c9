package measure

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/tables"
	"github.com/go-weir/weir/bench/shared/round"
)

// printed is a run as it is printed.
func printed(r results.Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "On %s, %s; clients on %d processors, %s/%s, %s.\n", r.Server.Name, r.Server.How, r.Machine.CPUs, r.Machine.OS, r.Machine.Arch, r.Machine.Go)
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "Note: %s.\n", warning)
	}
	for _, c := range r.Cells {
		fmt.Fprintf(&b, "\n%s\n\n%s", capital(name(c)), cellTable(c))
	}
	if len(r.Cells) > 0 {
		b.WriteString("\n" + cellLegend(r.Cells[0]))
	}
	if len(r.Accuracy) > 0 {
		fmt.Fprintf(&b, "\nAdmitted under concurrent load, limit %s, one key, %v\n\n%s%s", r.Accuracy[0].Limit, accuracyTime, accuracyTable(r), accuracyLegend)
	}
	if len(r.Memory) > 0 {
		fmt.Fprintf(&b, "\nBytes on the server for one key, after so many admitted requests\n\n%s", memoryTable(r.Memory))
	}
	fmt.Fprintf(&b, "\nMeasured for %v.\n", r.Took.Round(time.Second))
	if r.Interrupted {
		b.WriteString("Interrupted: this is what there was until then.\n")
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func cellLegend(c results.Cell) string {
	return `Medians of the rounds; latencies in µs, of all rounds. ×: decisions a second over those of ` + c.Results[0].Limiter + ` in the same
round. CPU: of the server's main thread, and of that in commands. Commands: sent by the client, and run on the
server, scripts' own included. Bytes: to the server and from it. Allocs: objects, in the client.
Wrong: refused at keys that are not full, or let through at full ones.
`
}

const accuracyLegend = `Own definition: how many it says that it admits of the same requests at the same times. Most in a period: the
most of the admitted in any span of one.
`

func cellTable(c results.Cell) string {
	w := tables.New(table.Row{"limiter", "decisions/s", "×", "p50", "p99", "p99.9", "CPU µs", "in\ncommands", "commands\nsent, run", "bytes\nto, from", "allocs", "failed", "wrong"})
	for _, r := range c.Results {
		ratio := r.Ratio(c.Results[0], results.Throughput)
		w.AppendRow(table.Row{
			r.Limiter, number(r.Value(results.Throughput).Median), figure(ratio.Median, 2),
			latency(r, 50), latency(r, 99), latency(r, 99.9),
			figure(r.Value(results.ServerCPU).Median, 2), figure(r.Value(results.CommandCPU).Median, 2),
			figure(r.Commands, 1) + ", " + figure(r.ServerCommands, 1),
			figure(r.Sent, 0) + ", " + figure(r.Received, 0), figure(r.Allocs, 1),
			count(r.Failed), count(r.WronglyAdmitted + r.WronglyDenied),
		})
	}
	out := tables.Render(w)
	for _, r := range c.Results {
		if r.FirstFailure != "" {
			out += fmt.Sprintf("%s failed first with: %s\n", r.Limiter, strings.ReplaceAll(r.FirstFailure, "\n", "; "))
		}
	}
	return out
}

func accuracyTable(r results.Run) string {
	w := tables.New(table.Row{"limiter", "definition", "requests", "failed", "admitted", "own\ndefinition", "off by", "most in\na period"}, "definition")
	for _, a := range r.Accuracy {
		w.AppendRow(table.Row{
			a.Limiter, definition(r.Limiters, a.Limiter), number(float64(a.Calls)), count(int64(a.Failed)),
			a.Admitted, rangeOf(a.Low, a.High), offBy(a), a.Most,
		})
	}
	return tables.Render(w)
}

func definition(limiters []round.Limiter, name string) round.Definition {
	for _, l := range limiters {
		if l.Name == name {
			return l.Definition
		}
	}
	return ""
}

func rangeOf(low, high int) string {
	if low == high {
		return strconv.Itoa(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// offBy is how far outside its definition an admitted count is.
func offBy(a results.Accuracy) string {
	switch {
	case a.Admitted < a.Low:
		return strconv.Itoa(a.Admitted - a.Low)
	case a.Admitted > a.High:
		return fmt.Sprintf("+%d", a.Admitted-a.High)
	}
	return "0"
}

func memoryTable(all []results.Memory) string {
	header := table.Row{"limiter"}
	for _, n := range logLengths {
		header = append(header, number(float64(n)))
	}
	w := tables.New(header)
	var row table.Row
	for i, m := range all {
		if i == 0 || all[i-1].Limiter != m.Limiter {
			row = table.Row{m.Limiter}
			for range logLengths {
				row = append(row, "-") // until it is told
			}
		}
		row[1+slices.Index(logLengths, m.Events)] = number(float64(m.Bytes))
		if i == len(all)-1 || all[i+1].Limiter != m.Limiter {
			w.AppendRow(row)
		}
	}
	return tables.Render(w)
}

// listing is the limiters that can be measured, as they are printed.
func listing(all []round.Limiter) string {
	w := tables.New(table.Row{"limiter", "client", "module", "what it is"}, "client", "module", "what it is")
	for _, l := range all {
		w.AppendRow(table.Row{l.Name, l.Client, strings.TrimSpace(l.Module + " " + l.Version), l.About})
	}
	return tables.Render(w)
}

// number is a number of things, in groups of three digits: 1,234,567.
func number(x float64) string {
	digits := strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// figure is a number with so many decimals, or - for one that is not told.
func figure(x float64, decimals int) string {
	if x == 0 {
		return "-"
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

func count(n int64) string {
	if n == 0 {
		return "-"
	}
	return number(float64(n))
}

// latency is a percentile of a result's, in µs.
func latency(r results.Result, percentile float64) string {
	for _, point := range r.Latency.Points {
		if point[0] == percentile {
			if point[1] < 100 {
				return strconv.FormatFloat(point[1], 'g', 3, 64)
			}
			return number(point[1])
		}
	}
	return "-"
}

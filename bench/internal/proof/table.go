package proof

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/load"
)

// All are all cases, in the order in which they are told.
func All() []Case {
	var all []Case
	for _, some := range [][]Case{loads(), faults(), refusals(), hooks(), crashes(), clocks(), failovers(), places(), inflights()} {
		all = append(all, some...)
	}
	return all
}

// A Result is a case with what came of it on each kind of server.
type Result struct {
	Case     Case
	Outcomes []Outcome
}

// Write writes the results as Markdown: one line for each case, then each case's rows.
func Write(w io.Writer, results []Result) error {
	overview := table.NewWriter()
	overview.AppendHeader(table.Row{
		"case", "decisions", "failed calls", "of them ran", "ran twice", "wrongly admitted", "wrongly refused",
		"other than Local", "over the bound", "keys without TTL",
	})
	var total Row
	for _, r := range results {
		var sum Row
		for _, o := range r.Outcomes {
			for _, row := range o.Rows {
				sum.Add(row.Findings)
			}
		}
		total.Add(sum.Findings)
		overview.AppendRow(overviewRow(r.Case.Name, sum))
	}
	overview.AppendFooter(overviewRow("all", total))
	if _, err := fmt.Fprintf(w, "%s\n", overview.RenderMarkdown()); err != nil {
		return err
	}
	for _, r := range results {
		if _, err := io.WriteString(w, r.section()); err != nil {
			return err
		}
	}
	return nil
}

func overviewRow(name string, sum Row) table.Row {
	return table.Row{
		name, sum.Decisions, sum.Errors, sum.RanUnseen, sum.Twice, sum.WronglyAdmitted, sum.WronglyRefused,
		sum.Diverging + sum.Garbled, sum.OverBound, sum.NoTTL,
	}
}

// section tells of one case, a row for each server and algorithm.
func (r Result) section() string {
	var b strings.Builder
	l := r.Case.Load
	fmt.Fprintf(&b, "\n## %s\n\n", r.Case.Name)
	asked := l.Plans
	if asked == "" {
		asked = fmt.Sprintf("%s, limit %v", costs(l.MostCost), l.Asked[0].Limit)
	}
	fmt.Fprintf(&b, "What is done: %s. Load: %d processes of %d goroutines, keys: %d, %s.  \nWhat holds besides: %s.\n\n",
		r.Case.Fault, l.Processes, l.Goroutines, len(l.Keys), asked, r.Case.Promise)
	rows := table.NewWriter()
	header := table.Row{"server", "algorithm", "decisions", "admitted", "failed calls", "of them ran", "bound", "largest", "ran twice", "wrongly refused", "keys without TTL"}
	extra := r.Case.Losses > 0 || r.Case.Forgets
	if extra {
		header = append(header, "times", "admissions forgotten", "keys forgotten")
	}
	rows.AppendHeader(header)
	for _, o := range r.Outcomes {
		for _, row := range o.Rows {
			line := table.Row{
				row.Server, row.Subject, row.Decisions, row.Admitted, row.Errors, row.RanUnseen, row.Bound, row.Largest,
				row.Twice, row.WronglyRefused, row.NoTTL,
			}
			if extra {
				line = append(line, row.Rounds, row.Lost, row.Forgotten)
			}
			rows.AppendRow(line)
		}
	}
	b.WriteString(rows.RenderMarkdown() + "\n")
	for _, o := range r.Outcomes {
		if o.Took > 0 {
			fmt.Fprintf(&b, "\n%s: there again after %v; after that calls failed for %v through go-redis, %v through rueidis.\n",
				o.Rows[0].Server, o.Took.Round(time.Millisecond),
				o.Outages[load.GoRedis].Round(time.Millisecond), o.Outages[load.Rueidis].Round(time.Millisecond))
		}
	}
	return b.String()
}

func costs(most int64) string {
	if most <= 1 {
		return "costs 1"
	}
	return fmt.Sprintf("random costs of 1 to %d", most)
}

package proof

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/load"
)

// A Group holds cases of a similar kind.
type Group struct {
	Name  string // also the name of the file with its results
	About string // what its cases have in common, in a few words
	Cases []Case
}

// Groups returns all cases, in the order of the report.
func Groups() []Group {
	return []Group{
		{"load", "no fault", loads()},
		{"faults", "the server or its connections have a fault", faults()},
		{"refusals", "the server answers, and refuses to write", refusals()},
		{"hooks", "the client has a hook that panics", hooks()},
		{"crashes", "the server is paused or killed", crashes()},
		{"clocks", "the server's clock is moved", clocks()},
		{"failovers", "slots move and masters are replaced", failovers()},
		{"places", "the keys are on several servers", places()},
		{"reservations", "charges that are settled later", reservations()},
		{"inflight", "leases, of holders that are killed at random", inflights()},
	}
}

// A Result is a case with its outcome on each kind of server.
type Result struct {
	Case     Case
	Outcomes []Outcome
}

// total returns the sum of the case's findings over all servers.
func (r Result) total() (sum Row) {
	for _, o := range r.Outcomes {
		for _, row := range o.Rows {
			sum.Add(row.Findings)
		}
	}
	return sum
}

// A Report writes results as Markdown: an overview with a line for each group, and a file for each group.
type Report struct {
	groups []Group
	of     map[string][]Result // by the group's name
}

// NewReport returns a report of the results of some cases. The results may be in any order.
func NewReport(results []Result) Report {
	report := Report{of: map[string][]Result{}}
	byName := map[string]Result{}
	for _, r := range results {
		byName[r.Case.Name] = r
	}
	for _, group := range Groups() {
		for _, c := range group.Cases {
			if r, ran := byName[c.Name]; ran {
				report.of[group.Name] = append(report.of[group.Name], r)
			}
		}
		if len(report.of[group.Name]) > 0 {
			report.groups = append(report.groups, group)
		}
	}
	return report
}

// overviewOf returns a table of rows and their sum. named is the header of the first column.
func overviewOf(named string, names []string, rows []Row) string {
	overview := table.NewWriter()
	overview.AppendHeader(table.Row{
		named, "decisions", "failed calls", "of them ran", "ran twice", "wrongly admitted", "wrongly refused",
		"other than Local", "over the bound", "keys without TTL",
	})
	var total Row
	for i, row := range rows {
		total.Add(row.Findings)
		overview.AppendRow(overviewRow(names[i], row))
	}
	if len(rows) > 1 {
		overview.AppendFooter(overviewRow("all", total))
	}
	return overview.RenderMarkdown() + "\n"
}

// Total returns the sum over all cases.
func (r Report) Total() (sum Row) {
	for _, results := range r.of {
		for _, result := range results {
			sum.Add(result.total().Findings)
		}
	}
	return sum
}

// Cases returns the number of cases that were run.
func (r Report) Cases() (n int) {
	for _, results := range r.of {
		n += len(results)
	}
	return n
}

// Overview returns a table with a line for each group, which links to the group's file in the folder.
func (r Report) Overview(folder string) string {
	var names []string
	var rows []Row
	for _, group := range r.groups {
		var sum Row
		for _, result := range r.of[group.Name] {
			sum.Add(result.total().Findings)
		}
		names = append(names, fmt.Sprintf("[%s](%s/%s.md): %s", group.Name, folder, group.Name, group.About))
		rows = append(rows, sum)
	}
	return overviewOf("cases", names, rows)
}

// Files returns the text of each group's file: a line for each case, then a section for each.
func (r Report) Files() map[string]string {
	files := map[string]string{}
	for _, group := range r.groups {
		var names []string
		var rows []Row
		var sections strings.Builder
		for _, result := range r.of[group.Name] {
			names, rows = append(names, result.Case.Name), append(rows, result.total())
			sections.WriteString(result.section())
		}
		files[group.Name+".md"] = fmt.Sprintf("# The proof: %s\n\nThe columns are explained in the [overview](../PROOF.md).\n\n%s%s",
			group.About, overviewOf("case", names, rows), sections.String())
	}
	return files
}

func overviewRow(name string, sum Row) table.Row {
	return table.Row{
		name, sum.Decisions, sum.Errors, sum.RanUnseen, sum.Twice, sum.WronglyAdmitted, sum.WronglyRefused,
		sum.Diverging + sum.Garbled, sum.OverBound, sum.NoTTL,
	}
}

// section returns the text about one case, with a row for each server and algorithm.
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
	reserves := l.Reserves > 0
	if reserves {
		header = append(header, "wrongly admitted", "settlements", "of more than reserved", "ran, told an error")
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
			if reserves {
				line = append(line, row.WronglyAdmitted, row.Settled, row.Debts, row.SettledUnseen)
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

package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/go-weir/weir/bench/internal/results"
)

// summary returns the summary of runs as Markdown.
func summary(runs []measured, command string) string {
	var b strings.Builder
	say := func(format string, args ...any) {
		b.WriteString(text.WrapSoft(fmt.Sprintf(format, args...), 110) + "\n\n")
	}
	head := runs[0]
	b.WriteString("<!-- Written by: " + command + " -->\n\n# What limiters cost, measured\n\n")
	for i, r := range runs {
		if len(r.Doubts) > 0 {
			say("**Don't rely on the figures of %s**: %s.", runName(i), strings.Join(r.Doubts, "; "))
		}
	}
	say("%s", outcome(runs))
	say("In each round, Weir's value is divided by the other's. A figure is the median of these ratios over the rounds, with its 95%%" +
		" interval. For server CPU and latencies, Weir is better below 1; for decisions a second, above 1. A comparison is undecided unless" +
		" the whole interval is more than 2%% away from 1.")
	if fs := first(head, alike(head)); len(fs) > 0 {
		b.WriteString("## Same algorithm, same client\n\n")
		say("Both limiters of a pair use the same algorithm and the same client. The load: %s.", fs[0].load)
		b.WriteString(figureTable(fs, runs) + "\n")
	}
	if fs := first(head, unlike(head)); len(fs) > 0 {
		say("The limiters of these pairs do different things: two limits are checked in one call or one after the other, concurrent calls" +
			" are sent in one command, denials are cached, requests hold a lease. The load is the same unless the row names another.")
		b.WriteString(figureTable(fs, runs) + "\n")
	}
	pairs := slices.Concat(alike(head), unlike(head))
	all := figures(head, pairs)
	if len(all) > 0 {
		b.WriteString("## Verdicts under all loads\n\n")
		say("There are %d loads. %s%s", len(head.Loads()), results.CountsLegend, []string{"", " Commas separate the runs."}[min(1, len(runs)-1)])
		b.WriteString(verdictTable(pairs, runs) + "\n")
		if len(runs) > 1 {
			say("%s", reversals(all, runs))
		}
		b.WriteString("## Undecided\n\n")
		say("%s", open(all, runs))
	}
	if figures := head.Memory(); len(figures) > 0 {
		b.WriteString("## Memory\n\nThe memory of a million keys on the server, by the number of admitted requests of each key.\n\n")
		b.WriteString(memoryTable(head, figures) + "\n")
	}
	if loads := head.Loads(); len(loads) > 0 {
		b.WriteString("## Costs in the client and on the wire\n\n")
		say("The figures are for one decision. The load: %s.", loads[len(loads)-1])
		b.WriteString(costTable(head, loads[len(loads)-1]) + "\n")
	}
	b.WriteString("## How it was measured\n\n")
	for i, r := range runs {
		say("%s: %s, %s; clients on %d processors (%s, %s/%s, %s); %s, %v.", capital(runName(i)), r.Server, r.How, r.Machine.CPUs,
			r.Machine.CPU, r.Machine.OS, r.Machine.Arch, r.Machine.Go, r.Began.Format(time.DateOnly), r.Took.Round(time.Second))
		b.WriteString("```\n" + wrapCommand(r.Command) + "```\n\n")
		for _, note := range r.Notes {
			say("Note: %s.", note)
		}
	}
	return trimmed(b.String())
}

func runName(i int) string { return fmt.Sprintf("run %d", i+1) }

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// outcome returns sentences that say which limiters with the same algorithm and client take more of the server's processor
// time for a decision than Weir's, and which take less.
func outcome(runs []measured) string {
	var less, more, open []string
	for _, p := range alike(runs[0]) {
		counts, ratios := results.Counts{}, []float64{}
		for _, r := range runs {
			for _, load := range r.Loads() {
				if ratio := results.Compare(load.Of(p.weir), load.Of(p.other), results.ServerCPU); ratio.Told {
					counts[ratio.Verdict]++
					ratios = append(ratios, ratio.Center)
				}
			}
		}
		if len(ratios) == 0 {
			continue
		}
		with := func(v results.Verdict) string {
			return fmt.Sprintf("one of %s (ratio %s, %s in %d of %d comparisons)",
				p.other, results.Short(results.Median(ratios).Center), v, counts[v], len(ratios))
		}
		switch {
		case 2*counts[results.Better] > len(ratios):
			less = append(less, with(results.Better))
		case 2*counts[results.Worse] > len(ratios):
			more = append(more, with(results.Worse))
		default:
			open = append(open, p.other)
		}
	}
	const where = "With the same algorithm and the same client, "
	var parts []string
	of := " processor time on the server"
	if less != nil {
		parts = append(parts, "less"+of+" than "+listed(less))
		of = ""
	}
	if more != nil {
		parts = append(parts, "more"+of+" than "+listed(more))
	}
	switch {
	case parts == nil && open == nil:
		return "The runs compare no limiter of Weir's with another of the same algorithm and client."
	case parts == nil:
		return where + "it is undecided whether a decision of Weir takes more or less processor time on the server than one of " + listed(open) + "."
	}
	text := where + "a decision of Weir takes " + strings.Join(parts, ", and ")
	if open != nil {
		text += ". The comparison with " + listed(open) + " is undecided"
	}
	return text + "."
}

func figureTable(figures []figure, runs []measured) string {
	header := table.Row{"Weir's ÷ the other's", "measure"}
	for i := range runs {
		header = append(header, runName(i))
	}
	w := newTable(header, 2)
	for _, f := range figures {
		measure := f.measure.Name
		if f.load != figures[0].load {
			measure += ", " + f.load.KeysText() + fmt.Sprintf(", %g%% denied", f.load.Denials)
		}
		row := table.Row{f.pair, measure}
		for _, r := range runs {
			ratio := f.in(r)
			row = append(row, ratio.String()+" "+string(ratio.Verdict))
		}
		w.AppendRow(row)
	}
	return w.RenderMarkdown() + "\n"
}

func verdictTable(pairs []pair, runs []measured) string {
	header := table.Row{"Weir's ÷ the other's"}
	for _, m := range results.Measures {
		header = append(header, m.Name)
	}
	w := newTable(header, 1)
	for _, p := range pairs {
		row := table.Row{p}
		for _, m := range results.Measures {
			var cells []string
			for _, r := range runs {
				cells = append(cells, results.Count(r.Loads(), p.weir, p.other, m).Short())
			}
			row = append(row, strings.Join(cells, ", "))
		}
		w.AppendRow(row)
	}
	return w.RenderMarkdown() + "\n"
}

// reversals returns a sentence that says how many verdicts differ between runs, and which are reversed.
func reversals(all []figure, runs []measured) string {
	var turned []string
	alike := 0
	for _, f := range all {
		if reversed(f, runs) {
			turned = append(turned, fmt.Sprintf("%s, %s, %s", f.pair, f.measure.Name, f.load))
		}
		if !slices.ContainsFunc(runs[1:], func(r measured) bool { return f.in(r).Verdict != f.in(runs[0]).Verdict }) {
			alike++
		}
	}
	text := fmt.Sprintf("Of %d verdicts, %d are the same in all runs, %d are decided in only some runs, and %d are better in one run and worse in"+
		" another", len(all), alike, len(all)-alike-len(turned), len(turned))
	if len(turned) > 0 {
		text += ": " + strings.Join(turned[:min(len(turned), 5)], "; ")
	}
	return text + "."
}

// open returns a sentence that lists the comparisons that no run decides.
func open(all []figure, runs []measured) string {
	type row struct {
		pair
		measure string
	}
	counts, total := map[row]int{}, 0
	for _, f := range all {
		if undecided(f, runs) {
			counts[row{f.pair, f.measure.Name}]++
			total++
		}
	}
	if total == 0 {
		return "Every comparison is decided in some run."
	}
	var parts []string
	for _, p := range slices.Concat(alike(runs[0]), unlike(runs[0])) {
		var of []string
		for _, m := range results.Measures {
			if n := counts[row{p, m.Name}]; n > 0 {
				of = append(of, fmt.Sprintf("%s %d", m.Name, n))
			}
		}
		if of != nil {
			parts = append(parts, fmt.Sprintf("%s (%s)", p, strings.Join(of, ", ")))
		}
	}
	return fmt.Sprintf("Of %d comparisons, %d are decided in no run. The numbers are counts of loads: %s.", len(all), total, strings.Join(parts, "; "))
}

package measure

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/tables"
	"github.com/go-weir/weir/bench/shared/round"
)

// width is the width of the screen. longest is the width of limiters' names in tables, where longer names are broken.
const (
	width   = 80
	longest = 22
)

// printed returns the output for a run: its doubts, the verdicts, and the tables.
func printed(r results.Run) string {
	var b strings.Builder
	say := func(format string, args ...any) { b.WriteString(wrapped(fmt.Sprintf(format, args...))) }
	average := ""
	if r.Load > 0 {
		average = fmt.Sprintf("; load average %.1f before", r.Load)
	}
	say("On %s, %s; clients on %d processors, %s/%s, %s%s.", r.Server, r.How, r.Machine.CPUs, r.Machine.OS, r.Machine.Arch, r.Machine.Go, average)
	for _, note := range r.Notes {
		say("Note: %s.", note)
	}
	if len(r.Doubts) > 0 {
		b.WriteString("\nDOUBTFUL: don't rely on these figures. Measure again on a quiet machine.\n")
		for _, doubt := range r.Doubts {
			say("- %s.", doubt)
		}
	}
	loads := r.Loads()
	if len(loads) > 0 {
		b.WriteString("\n" + verdicts(r, loads))
	}
	for _, load := range loads {
		b.WriteString("\n" + loadTable(r, load))
	}
	if len(loads) > 0 {
		b.WriteString("\n" + legend(r.Beside))
	}
	if all := r.Accuracy(); len(all) > 0 {
		fmt.Fprintf(&b, "\nRequests admitted of one key, limit %v, in %v\n\n%s", accuracyLimit, accuracyTime, accuracyTable(all))
		say("promised: how many of the same requests the limiter's algorithm admits. It is a range, because a client can't know when within a call the server decided.")
	}
	if all := r.Memory(); len(all) > 0 {
		b.WriteString("\nMemory of a million keys on the server, by requests admitted of each key\n\n" + memoryTable(r, all))
	}
	fmt.Fprintf(&b, "\nMeasured for %v.\n", r.Took.Round(time.Second))
	if r.Interrupted {
		b.WriteString("Interrupted: these are the results until then.\n")
	}
	return b.String()
}

// wrapped wraps a text to the width of the screen.
func wrapped(t string) string { return indented(t, "") }

// indented wraps a text to the width of the screen, with before at the start of each line.
func indented(t, before string) string {
	var b strings.Builder
	for line := range strings.Lines(text.WrapSoft(t, width-len(before)) + "\n") {
		b.WriteString(before + strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// verdicts returns a table that says in how many loads each limiter is better and worse than the one it is compared with.
func verdicts(r results.Run, loads []results.Load) string {
	header := table.Row{"beside " + r.Beside}
	for _, m := range results.Measures {
		header = append(header, m.Name)
	}
	w := newTable(header)
	for _, s := range loads[0].Series {
		if s.Limiter == r.Beside || r.Limiter(s.Limiter).IsFloor() {
			continue
		}
		row := table.Row{s.Limiter}
		for _, m := range results.Measures {
			row = append(row, results.Count(loads, s.Limiter, r.Beside, m).Short())
		}
		w.AppendRow(row)
	}
	if w.Length() == 0 {
		return ""
	}
	return tables.Render(w) + wrapped(results.CountsLegend)
}

func newTable(header table.Row, left ...string) table.Writer {
	w := tables.New(header, left...)
	columns := []table.ColumnConfig{{Number: 1, WidthMax: longest, WidthMaxEnforcer: atHyphen}}
	for i, name := range header[1:] {
		if !slices.Contains(left, name.(string)) {
			columns = append(columns, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	w.SetColumnConfigs(columns)
	return w
}

// atHyphen breaks a name that is too long at the last hyphen that fits.
func atHyphen(name string, most int) string {
	if len(name) <= most {
		return name
	}
	if at := strings.LastIndexByte(name[:most+1], '-'); at > 0 {
		return name[:at] + "\n" + atHyphen(name[at:], most)
	}
	return text.WrapHard(name, most)
}

func legend(beside string) string {
	return wrapped("CPU: the processor time that a decision takes in the server's main thread, which runs on one core, and how many" +
		" decisions a second fill that core. Ratio: this CPU time divided by that of " + beside + ", with its 95% interval. p50, p99: latencies.")
}

func loadTable(r results.Run, load results.Load) string {
	w := newTable(table.Row{"limiter", "CPU\nµs", "decisions\na core", "CPU\nratio", "", "p50\nµs", "p99\nµs"}, "")
	var notes []string
	for _, s := range load.Series {
		cpu := results.Median(s.Values(results.ServerCPU.Unit)).Center
		ratio, verdict := "", ""
		if s.Limiter != r.Beside {
			compared := results.Compare(s, load.Of(r.Beside), results.ServerCPU)
			ratio, verdict = compared.Percent(), string(compared.Verdict)
			switch {
			case !compared.Told:
				verdict = ""
			case r.Limiter(s.Limiter).IsFloor():
				verdict = "floor"
			}
		}
		full := "-"
		if cpu > 0 {
			full = results.Number(1 / cpu)
		}
		w.AppendRow(table.Row{
			s.Limiter, micros(cpu), full, ratio, verdict,
			micros(results.Median(s.Values(results.P50.Unit)).Center), micros(results.Median(s.Values(results.P99.Unit)).Center),
		})
		notes = append(notes, notesOf(s, load)...)
	}
	out := load.String() + "\n\n" + tables.Render(w)
	for _, note := range notes {
		out += wrapped(note)
	}
	return out
}

// notesOf returns sentences about failures, wrong decisions and a missed rate of a limiter under a load.
func notesOf(s results.Series, load results.Load) (notes []string) {
	if share := results.Median(s.Values(results.Failed)).Center; share > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s%% of the calls failed.", s.Limiter, results.Short(100*share)))
	}
	if share := results.Median(s.Values(results.Wrong)).Center; share > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s%% of the calls were decided wrongly.", s.Limiter, results.Short(100*share)))
	}
	if reached := results.Median(s.Values(results.Decisions.Unit)).Center; load.Rate > 0 && reached < 0.95*load.Rate {
		notes = append(notes, fmt.Sprintf("%s: the rate was %[3]s requests/s instead of %[2]s; latencies include the wait in a growing queue.",
			s.Limiter, results.Number(load.Rate), results.Number(reached)))
	}
	return notes
}

func micros(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return results.Short(1e6 * seconds)
}

func accuracyTable(all []results.Figure) string {
	w := newTable(table.Row{"limiter", "requests", "failed", "admitted", "promised"})
	for _, a := range all {
		failed := "-"
		if share := a.Value(results.Failed); share > 0 {
			failed = results.Short(100*share) + "%"
		}
		w.AppendRow(table.Row{
			a.Limiter, results.Number(float64(a.Result.Iters)), failed, results.Number(a.Value(results.Admitted)),
			results.Number(a.Value(results.Least)) + " to " + results.Number(a.Value(results.Most)),
		})
	}
	return tables.Render(w)
}

func memoryTable(r results.Run, all []results.Figure) string {
	header := table.Row{"limiter"}
	for _, n := range logLengths {
		header = append(header, results.Number(float64(n)))
	}
	w := newTable(header)
	for _, limiter := range r.Limiters {
		row := table.Row{limiter.Name}
		for _, n := range logLengths {
			row = append(row, "-")
			for _, f := range all {
				if f.Limiter == limiter.Name && f.Requests == n {
					row[len(row)-1] = results.Million(f.Value(results.KeyBytes))
				}
			}
		}
		if slices.ContainsFunc(row[1:], func(cell any) bool { return cell != "-" }) {
			w.AppendRow(row)
		}
	}
	return tables.Render(w)
}

// listing returns the output of -limiters list.
func listing(all []round.Limiter) string {
	var b strings.Builder
	for _, l := range all {
		b.WriteString(l.Name + "\n")
		about := fmt.Sprintf("%s; %s; %s", l.About, l.Client, strings.TrimSpace(l.Module+" "+l.Version))
		b.WriteString(indented(about, "    "))
	}
	return b.String()
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/go-weir/weir/bench/internal/servers"
)

// printer writes the output for people.
type printer struct {
	out io.Writer
	all bool // print all output of tests immediately, also of those that pass
}

// event prints the output of an event immediately, if all output is wanted or the output is of no
// package.
func (p *printer) event(e event) {
	if e.Action == "output" && (p.all || e.Package == "") {
		fmt.Fprint(p.out, e.Output)
	}
}

// packageDone writes a package's line, and before it the output of its failures and skips.
func (p *printer) packageDone(r *packageResult) {
	if r.status == "fail" || r.count.skipped > 0 {
		p.failures(r)
	}
	switch {
	case r.noTests:
		fmt.Fprintf(p.out, "-     %s  no tests\n", r.name)
	case r.status == "fail" && len(r.build) > 0:
		fmt.Fprintf(p.out, "FAIL  %s  build failed\n", r.name)
	default:
		word := "ok  "
		if r.status == "fail" {
			word = "FAIL"
		}
		fmt.Fprintf(p.out, "%s  %s  %s  %.1fs\n", word, r.name, plural(r.count.sum(), "test"), r.elapsed)
	}
}

// failures writes the output of failed builds, of tests that failed or were skipped and, if the
// package failed, of the package itself. It leaves out the output that event has printed already.
func (p *printer) failures(r *packageResult) {
	fmt.Fprint(p.out, strings.Join(r.build, ""))
	if p.all {
		return
	}
	for _, x := range r.tests {
		if x.status == "fail" || x.status == "skip" {
			p.lines(x.output)
		}
	}
	if r.status == "fail" {
		p.lines(r.output)
	}
}

// lines writes output with the --- lines first. It leaves out the === lines of go test -v, and the
// PASS and FAIL lines, which packageDone's line replaces.
func (p *printer) lines(output []string) {
	var verdict, rest strings.Builder
	for _, line := range output {
		switch {
		case strings.HasPrefix(line, "=== "), strings.HasPrefix(line, "FAIL\t"), line == "FAIL\n", line == "PASS\n":
		case strings.HasPrefix(line, "--- "):
			verdict.WriteString(line)
		default:
			rest.WriteString(line)
		}
	}
	fmt.Fprint(p.out, verdict.String(), rest.String())
}

// summary writes the table of servers and, last, the line with the total.
func (p *printer) summary(t *tally, unused []servers.Kind) {
	w := table.NewWriter()
	var config []table.ColumnConfig
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	for column := 2; column <= 4; column++ {
		config = append(config, table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	w.SetColumnConfigs(config)
	w.AppendHeader(table.Row{"server", "passed", "failed", "skipped"})
	for _, name := range slices.Sorted(slices.Values(t.order)) {
		c := t.byServer[name]
		w.AppendRow(table.Row{name, c.passed, c.failed, c.skipped})
	}
	w.AppendRow(table.Row{"without a server", t.without.passed, t.without.failed, t.without.skipped})
	if t.outside > 0 {
		w.AppendRow(table.Row{"packages that failed outside a test", "", t.outside, ""})
	}
	fmt.Fprintf(p.out, "\n%s\n\n", w.Render())
	for _, k := range unused {
		fmt.Fprintf(p.out, "no test ran against %s\n", k.Name)
	}
	fmt.Fprintf(p.out, "%d passed, %d failed, %d skipped\n", t.total.passed, t.total.failed, t.total.skipped)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

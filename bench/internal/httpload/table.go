package httpload

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/tables"
)

// mostErrors is the largest number of kinds of errors that are printed.
const mostErrors = 10

// text returns the report as it is printed.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n\n", r.Method, r.URL, r.Load)
	w := tables.New(table.Row{"answer", "requests", "%"})
	row := func(name string, n int) {
		w.AppendRow(table.Row{name, n, fmt.Sprintf("%.1f", 100*float64(n)/float64(r.Requests))})
	}
	for _, code := range slices.Sorted(maps.Keys(r.Statuses)) {
		row(strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code))), r.Statuses[code])
	}
	kinds := slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int {
		return cmp.Or(r.Errors[b]-r.Errors[a], strings.Compare(a, b))
	})
	others := 0
	for i, kind := range kinds {
		if i < mostErrors {
			row("none: "+kind, r.Errors[kind])
			continue
		}
		others += r.Errors[kind]
	}
	if others > 0 {
		row("none: other reasons", others)
	}
	b.WriteString(tables.Render(w) + "\n")
	fmt.Fprintf(&b, "%d of %s answered", r.Answered, count(r.Requests, "request"))
	if r.Answered > 0 {
		fmt.Fprintf(&b, " in %.1fs, %.1f a second", r.Took, r.Rate)
	}
	b.WriteString(".\n")
	if l := r.Latency; l != nil {
		fmt.Fprintf(&b, "Latency of the answered: p50 %v, p90 %v, p95 %v, p99 %v, longest %v.\n",
			short(l.P50), short(l.P90), short(l.P95), short(l.P99), short(l.Max))
	}
	if a := r.RetryAfter; a != nil {
		fmt.Fprintf(&b, "Retry-After, in %s: %ds to %ds.\n", count(a.Answers, "answer"), a.Min, a.Max)
	}
	if r.Interrupted {
		b.WriteString("Interrupted: these are the results until then.\n")
	}
	return b.String()
}

// short returns a number of µs as a duration, rounded to about three digits.
func short(us int64) time.Duration {
	d := time.Duration(us) * time.Microsecond
	for unit := time.Second; unit > time.Microsecond; unit /= 10 {
		if d >= 100*unit {
			return d.Round(unit)
		}
	}
	return d
}

package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// A Load is what limiters were asked, and what each did.
type Load struct {
	Asked
	Series []Series
}

// A Series is the rounds of one limiter under one load.
type Series struct {
	Limiter string
	Rounds  []*benchfmt.Result
}

// The names of benchmarks.
const (
	decision = "Decision"
	memory   = "Memory"
	accuracy = "Accuracy"
)

// An Asked is a load without what came of it.
type Asked struct {
	Processes, Goroutines int
	Keys                  string // "1", "10000", "zipf:10000"
	Denials               float64
	Rate                  float64
}

// Named is the name of the benchmark of a limiter under a load.
func (a Asked) Named(limiter string) benchfmt.Name {
	name := fmt.Sprintf("%s/limiter=%s/goroutines=%d", decision, limiter, a.Goroutines)
	if a.Processes > 1 {
		name += fmt.Sprintf("/processes=%d", a.Processes)
	}
	if a.Rate > 0 {
		name += fmt.Sprintf("/rate=%g", a.Rate)
	}
	return benchfmt.Name(name + fmt.Sprintf("/denials=%g/keys=%s", a.Denials, a.Keys))
}

// MemoryNamed is the name of the benchmark of what a key of a limiter takes after so many admitted requests.
func MemoryNamed(limiter string, admitted int) benchfmt.Name {
	return benchfmt.Name(fmt.Sprintf("%s/limiter=%s/requests=%d", memory, limiter, admitted))
}

// AccuracyNamed is the name of the benchmark of how many requests a limiter admits.
func AccuracyNamed(limiter string) benchfmt.Name {
	return benchfmt.Name(accuracy + "/limiter=" + limiter)
}

// fields are those of a benchmark's name, in which results are grouped.
type fields struct{ load, limiter, requests *benchproc.Projection }

func newFields() fields {
	var p benchproc.ProjectionParser
	parse := func(text string) *benchproc.Projection {
		projection, err := p.Parse(text, nil)
		if err != nil {
			panic(err) // the text is one of those below
		}
		return projection
	}
	return fields{parse("/goroutines,/processes,/rate,/keys,/denials"), parse("/limiter"), parse("/requests")}
}

// get is the value of each field of a key.
func get(key benchproc.Key) (all []string) {
	for _, field := range key.Projection().Fields() {
		all = append(all, key.Get(field))
	}
	return all
}

// Loads groups the rounds of a run, in the order in which they came.
func (r Run) Loads() (loads []Load) {
	f := newFields()
	places := map[benchproc.Key]int{}
	for _, result := range r.Results {
		if string(result.Name.Base()) != decision {
			continue
		}
		key := f.load.Project(result)
		at, known := places[key]
		if !known {
			at = len(loads)
			places[key] = at
			loads = append(loads, loadOf(key))
		}
		limiter := get(f.limiter.Project(result))[0]
		load := &loads[at]
		i := slices.IndexFunc(load.Series, func(s Series) bool { return s.Limiter == limiter })
		if i < 0 {
			i = len(load.Series)
			load.Series = append(load.Series, Series{Limiter: limiter})
		}
		load.Series[i].Rounds = append(load.Series[i].Rounds, result)
	}
	return loads
}

func loadOf(key benchproc.Key) Load {
	values := get(key)
	goroutines, _ := strconv.Atoi(values[0])
	processes, _ := strconv.Atoi(values[1]) // none is 0, as of one process
	rate, _ := strconv.ParseFloat(values[2], 64)
	denials, _ := strconv.ParseFloat(values[4], 64)
	return Load{Asked: Asked{processes, goroutines, values[3], denials, rate}}
}

// String says in a few words what the load is.
func (a Asked) String() string {
	parts := []string{Plural(a.Goroutines, "goroutine")}
	if a.Processes > 1 {
		parts[0] += fmt.Sprintf(" in %d processes", a.Processes)
	}
	if a.Rate > 0 {
		parts = append(parts, Number(a.Rate)+" requests/s")
	}
	digits, zipf := strings.CutPrefix(a.Keys, "zipf:")
	count, _ := strconv.Atoi(digits)
	keys := Plural(count, "key")
	if zipf {
		keys += " by Zipf's law"
	}
	return strings.Join(append(parts, keys, strconv.FormatFloat(a.Denials, 'f', -1, 64)+"% denied"), ", ")
}

// Plural is so many things.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(float64(n)) + " " + noun + "s"
}

// Of returns the series of a limiter, which is empty if it was not measured.
func (l Load) Of(limiter string) Series {
	for _, s := range l.Series {
		if s.Limiter == limiter {
			return s
		}
	}
	return Series{}
}

// Values are the values of a unit by round.
func (s Series) Values(unit string) (all []float64) {
	for _, round := range s.Rounds {
		if value, ok := round.Value(unit); ok {
			all = append(all, value)
		}
	}
	return all
}

// Failing says whether so many calls failed or were decided wrongly, over one in a hundred, that what they cost says
// little.
func (s Series) Failing() bool {
	return Median(s.Values(Failed)).Center+Median(s.Values(Wrong)).Center > 0.01
}

// A Figure is what a benchmark that is no round found of a limiter.
type Figure struct {
	Limiter  string
	Requests int
	Result   *benchfmt.Result
}

// Memory is what keys take, and Accuracy how many requests were admitted.
func (r Run) Memory() []Figure { return r.figures(memory) }

// Accuracy is how many requests were admitted of one key, beside what was promised.
func (r Run) Accuracy() []Figure { return r.figures(accuracy) }

func (r Run) figures(base string) (all []Figure) {
	f := newFields()
	for _, result := range r.Results {
		if string(result.Name.Base()) == base {
			requests, _ := strconv.Atoi(get(f.requests.Project(result))[0])
			all = append(all, Figure{get(f.limiter.Project(result))[0], requests, result})
		}
	}
	return all
}

// Value is the figure's value of a unit.
func (f Figure) Value(unit string) float64 {
	value, _ := f.Result.Value(unit)
	return value
}

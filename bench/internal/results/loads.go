package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// A Load is a load with the rounds of all limiters that were measured under it.
type Load struct {
	Asked
	Series []Series
}

// A Series holds the rounds of one limiter under one load.
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

// An Asked is a load without results: how many requests come at a time, and for which keys.
type Asked struct {
	Processes, Goroutines int
	Keys                  string // "1", "10000", "zipf:10000"
	Denials               float64
	Rate                  float64
}

// Named returns the name of the benchmark of a limiter under a load.
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

// MemoryNamed returns the name of the benchmark for the memory of a limiter's key after a number of admitted requests.
func MemoryNamed(limiter string, admitted int) benchfmt.Name {
	return benchfmt.Name(fmt.Sprintf("%s/limiter=%s/requests=%d", memory, limiter, admitted))
}

// AccuracyNamed returns the name of the benchmark that counts the requests that a limiter admits.
func AccuracyNamed(limiter string) benchfmt.Name {
	return benchfmt.Name(accuracy + "/limiter=" + limiter)
}

// fields are the parts of a benchmark's name by which results are grouped.
type fields struct{ load, limiter, requests *benchproc.Projection }

func newFields() fields {
	var p benchproc.ProjectionParser
	parse := func(text string) *benchproc.Projection {
		projection, err := p.Parse(text, nil)
		if err != nil {
			panic(err) // the texts below are valid
		}
		return projection
	}
	return fields{parse("/goroutines,/processes,/rate,/keys,/denials"), parse("/limiter"), parse("/requests")}
}

// get returns the values of all fields of a key.
func get(key benchproc.Key) (all []string) {
	for _, field := range key.Projection().Fields() {
		all = append(all, key.Get(field))
	}
	return all
}

// Loads groups the rounds of a run by load and limiter, in the order of the results.
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
	processes, _ := strconv.Atoi(values[1]) // 0 if the name has no such field, which means one process
	rate, _ := strconv.ParseFloat(values[2], 64)
	denials, _ := strconv.ParseFloat(values[4], 64)
	return Load{Asked: Asked{processes, goroutines, values[3], denials, rate}}
}

// String describes the load, such as "8 goroutines, 10,000 keys, 90% denied".
func (a Asked) String() string {
	parts := []string{Plural(a.Goroutines, "goroutine")}
	if a.Processes > 1 {
		parts[0] += fmt.Sprintf(" in %d processes", a.Processes)
	}
	if a.Rate > 0 {
		parts = append(parts, Number(a.Rate)+" requests/s")
	}
	return strings.Join(append(parts, a.KeysText(), strconv.FormatFloat(a.Denials, 'f', -1, 64)+"% denied"), ", ")
}

// KeysText describes the keys of a load, such as "10,000 keys by Zipf's law".
func (a Asked) KeysText() string {
	digits, zipf := strings.CutPrefix(a.Keys, "zipf:")
	count, _ := strconv.Atoi(digits)
	text := Plural(count, "key")
	if zipf {
		text += " by Zipf's law"
	}
	return text
}

// Plural returns a number and a noun, such as "1 key" or "2 keys".
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

// Values returns the values of a unit, by round.
func (s Series) Values(unit string) (all []float64) {
	for _, round := range s.Rounds {
		if value, ok := round.Value(unit); ok {
			all = append(all, value)
		}
	}
	return all
}

// Failing reports whether more than one call in a hundred failed or was decided wrongly. The cost of such calls isn't
// comparable.
func (s Series) Failing() bool {
	return Median(s.Values(Failed)).Center+Median(s.Values(Wrong)).Center > 0.01
}

// A Figure is the result of the memory benchmark or the accuracy benchmark for one limiter.
type Figure struct {
	Limiter  string
	Requests int
	Result   *benchfmt.Result
}

// Memory returns the memory of one key of each limiter.
func (r Run) Memory() []Figure { return r.figures(memory) }

// Accuracy returns the number of requests that each limiter admitted for one key, and the range that it promises.
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

// Value returns the figure's value of a unit.
func (f Figure) Value(unit string) float64 {
	value, _ := f.Result.Value(unit)
	return value
}

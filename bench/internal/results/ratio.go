package results

import (
	"math"
	"slices"
)

// A Measure is one of the numbers of a [Round].
type Measure struct {
	Name       string // "throughput"
	MoreBetter bool   // rather than less
	Of         func(Round) float64
}

// The measures of a round.
var (
	Throughput = Measure{"throughput", true, func(r Round) float64 { return r.Throughput }}
	P50        = Measure{"p50", false, func(r Round) float64 { return r.P50 }}
	P99        = Measure{"p99", false, func(r Round) float64 { return r.P99 }}
	ServerCPU  = Measure{"server CPU", false, func(r Round) float64 { return r.ServerCPU }}
	CommandCPU = Measure{"command time", false, func(r Round) float64 { return r.CommandCPU }}
)

// Better says whether a ratio is on the better side of 1.
func (m Measure) Better(ratio float64) bool {
	return ratio > 1 && m.MoreBetter || ratio < 1 && !m.MoreBetter
}

// A Spread is the median of some numbers, and how far they are apart.
type Spread struct {
	Median    float64
	Low, High float64 // the lowest and highest; of five numbers or more, the quartiles
	N         int     // how many numbers it is of; 0 if there is none, and then nothing else is told
}

// NewSpread returns the spread of those of the values that are numbers above 0: a 0 is a value that was
// not told.
func NewSpread(values []float64) Spread {
	var told []float64
	for _, value := range values {
		if isTold(value) {
			told = append(told, value)
		}
	}
	if len(told) == 0 {
		return Spread{}
	}
	slices.Sort(told)
	s := Spread{Median: quantile(told, 0.5), Low: told[0], High: told[len(told)-1], N: len(told)}
	if len(told) >= 5 {
		s.Low, s.High = quantile(told, 0.25), quantile(told, 0.75)
	}
	return s
}

// Ahead says whether all of the spread is on the better side of 1, where it is that of a ratio.
func (m Measure) Ahead(s Spread) bool {
	return s.N > 1 && m.Better(s.Low) && m.Better(s.High)
}

func isTold(value float64) bool {
	return value > 0 && !math.IsInf(value, 0)
}

// quantile returns the value below which that part of the sorted values lies, and what is between two
// where it lies between them.
func quantile(sorted []float64, part float64) float64 {
	at := part * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// Value returns what a result's rounds say of a measure.
func (r Result) Value(m Measure) Spread {
	var values []float64
	for _, round := range r.Rounds {
		values = append(values, m.Of(round))
	}
	return NewSpread(values)
}

// Ratio returns how much of a measure a result has for each 1 of the baseline: the spread of what that
// is in each round, in which the two were measured one soon after the other.
func (r Result) Ratio(baseline Result, m Measure) Spread {
	var ratios []float64
	for i := range min(len(r.Rounds), len(baseline.Rounds)) {
		a, b := m.Of(r.Rounds[i]), m.Of(baseline.Rounds[i])
		if isTold(a) && isTold(b) {
			ratios = append(ratios, a/b)
		}
	}
	return NewSpread(ratios)
}

// A Total is one of the numbers of a [Result] that are not told by rounds.
type Total struct {
	Name string
	Of   func(Result) float64
}

// Totals are all of them: what a decision costs, of all rounds together.
var Totals = []Total{
	{"allocations", func(r Result) float64 { return r.Allocs }},
	{"bytes allocated", func(r Result) float64 { return r.AllocBytes }},
	{"bytes sent", func(r Result) float64 { return r.Sent }},
	{"bytes received", func(r Result) float64 { return r.Received }},
	{"commands sent", func(r Result) float64 { return r.Commands }},
	{"commands run", func(r Result) float64 { return r.ServerCommands }},
}

// Ratio returns how much of a total one result has for each 1 of the other's, and whether both tell.
func (t Total) Ratio(r, baseline Result) (float64, bool) {
	a, b := t.Of(r), t.Of(baseline)
	if !isTold(a) || !isTold(b) {
		return 0, false
	}
	return a / b, true
}

// Suspect says whether so many of a result's requests, over one in a hundred, failed or were decided
// wrongly that what they cost says little.
func (r Result) Suspect() bool {
	return (r.Failed+r.WronglyAdmitted+r.WronglyDenied)*100 > r.Calls
}

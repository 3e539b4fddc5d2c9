package results

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/perf/benchmath"
)

// confidence is that of intervals. Of ten rounds, the interval of the median leaves out the lowest and the highest.
const confidence = 0.95

// margin is by how much all of an interval has to be on one side of 1. Two runs of the same limiter may differ by less,
// as the processes lie elsewhere in memory.
const margin = 0.02

// Median returns the median of values with its confidence interval.
func Median(values []float64) benchmath.Summary {
	if len(values) == 0 {
		return benchmath.Summary{}
	}
	values = append([]float64(nil), values...) // a sample sorts them
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	summary := benchmath.AssumeNothing.Summary(sample, confidence)
	if len(values) < 5 { // no interval of so few is told
		summary.Lo, summary.Hi = math.Inf(-1), math.Inf(1)
		return summary
	}
	// Five can't give that confidence: their interval is all that they are.
	summary.Lo, summary.Hi = max(summary.Lo, sample.Values[0]), min(summary.Hi, sample.Values[len(values)-1])
	return summary
}

// A Verdict says whether one limiter is better than another in a measure.
type Verdict string

// The verdicts.
const (
	Better    Verdict = "better"
	Worse     Verdict = "worse"
	Undecided Verdict = "undecided"
	Failing   Verdict = "failing" // calls of one of them fail, so that figures say little
)

// A Ratio is how much of a measure one limiter has for each 1 of another, in rounds that took turns.
type Ratio struct {
	benchmath.Summary
	Verdict Verdict
	Told    bool // whether both tell
}

// Compare compares two series in a measure.
func Compare(a, b Series, m Measure) Ratio {
	var ratios []float64
	for i := range min(len(a.Rounds), len(b.Rounds)) {
		one, okOne := a.Rounds[i].Value(m.Unit)
		other, okOther := b.Rounds[i].Value(m.Unit)
		if okOne && okOther && one > 0 && other > 0 {
			ratios = append(ratios, one/other)
		}
	}
	if len(ratios) == 0 {
		return Ratio{Verdict: Undecided}
	}
	r := Ratio{Median(ratios), Undecided, true}
	switch {
	case a.Failing() || b.Failing():
		r.Verdict = Failing
	case r.Lo > 1+margin:
		r.Verdict = sided(m.MoreBetter)
	case r.Hi < 1-margin:
		r.Verdict = sided(!m.MoreBetter)
	}
	return r
}

func sided(better bool) Verdict {
	if better {
		return Better
	}
	return Worse
}

// String is the ratio with its interval.
func (r Ratio) String() string {
	if !r.Told {
		return "-"
	}
	if math.IsInf(r.Lo, 0) {
		return Short(r.Center)
	}
	return Short(r.Center) + " (" + Short(r.Lo) + " to " + Short(r.Hi) + ")"
}

// Short is a number with as many decimals as say something.
func Short(x float64) string {
	switch {
	case x == 0:
		return "0"
	case math.Abs(x) >= 100:
		return Number(x)
	case math.Abs(x) >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case math.Abs(x) >= 0.1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

// Number is a number of things, in groups of three digits: 1,234,567.
func Number(x float64) string {
	digits := strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Percent is the ratio with how far its interval is from it, as benchstat writes it.
func (r Ratio) Percent() string {
	switch {
	case !r.Told:
		return "-"
	case math.IsInf(r.Lo, 0):
		return Short(r.Center)
	}
	return Short(r.Center) + " ±" + r.PctRangeString()
}

// Counts are how many verdicts of each sort there are.
type Counts map[Verdict]int

// Count counts the verdicts of a limiter beside another, of all loads that have both.
func Count(loads []Load, limiter, beside string, m Measure) Counts {
	counts := Counts{}
	for _, load := range loads {
		if ratio := Compare(load.Of(limiter), load.Of(beside), m); ratio.Told {
			counts[ratio.Verdict]++
		}
	}
	return counts
}

// Short tells how many are better, undecided and worse, and in brackets how many are failing: "3/1/0 (2)".
func (c Counts) Short() string {
	if len(c) == 0 {
		return "-"
	}
	text := fmt.Sprintf("%d/%d/%d", c[Better], c[Undecided], c[Worse])
	if c[Failing] > 0 {
		text += fmt.Sprintf(" (%d)", c[Failing])
	}
	return text
}

// CountsLegend says what Short tells.
const CountsLegend = "In so many loads it is better/undecided/worse, by the ratios of the rounds (in brackets: calls fail)."

// Million is what a million keys of so many bytes take.
func Million(bytes float64) string {
	if bytes < 1000 {
		return Number(bytes) + " MB"
	}
	return Short(bytes/1000) + " GB"
}

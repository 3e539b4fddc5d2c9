package results

import (
	"fmt"
	"math"
	"strconv"

	"golang.org/x/perf/benchmath"
)

// confidence is the confidence level of intervals. With ten rounds, the interval of the median leaves out the lowest and the
// highest value.
const confidence = 0.95

// margin is the least distance of an interval from 1 for a decided verdict. Two runs of the same limiter may differ by less,
// for example because the memory layout of the processes differs.
const margin = 0.02

// Median returns the median of values with its confidence interval.
func Median(values []float64) benchmath.Summary {
	if len(values) == 0 {
		return benchmath.Summary{}
	}
	values = append([]float64(nil), values...) // NewSample sorts its argument
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	summary := benchmath.AssumeNothing.Summary(sample, confidence)
	if len(values) < 5 { // too few for an interval
		summary.Lo, summary.Hi = math.Inf(-1), math.Inf(1)
		return summary
	}
	// Five values aren't enough for that confidence, so their interval ends at the lowest and the highest value.
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
	Failing   Verdict = "failing" // so many calls of one of them fail that a comparison means nothing
)

// A Ratio is the median of one limiter's values divided by another's values in the same rounds.
type Ratio struct {
	benchmath.Summary
	Verdict Verdict
	Told    bool // whether both limiters have values
}

// Compare compares two series by a measure.
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

// String returns the ratio with its interval, such as "0.85 (0.80 to 0.90)".
func (r Ratio) String() string {
	if !r.Told {
		return "-"
	}
	if math.IsInf(r.Lo, 0) {
		return Short(r.Center)
	}
	return Short(r.Center) + " (" + Short(r.Lo) + " to " + Short(r.Hi) + ")"
}

// Short formats a number with about three digits.
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

// Number formats a whole number in groups of three digits: 1,234,567.
func Number(x float64) string {
	digits := strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Percent returns the ratio with the size of its interval in percent, as benchstat formats it: "0.85 ±6%".
func (r Ratio) Percent() string {
	switch {
	case !r.Told:
		return "-"
	case math.IsInf(r.Lo, 0):
		return Short(r.Center)
	}
	return Short(r.Center) + " ±" + r.PctRangeString()
}

// Counts holds the number of verdicts of each kind.
type Counts map[Verdict]int

// Count counts the verdicts of a limiter compared with another, over all loads that have both.
func Count(loads []Load, limiter, beside string, m Measure) Counts {
	counts := Counts{}
	for _, load := range loads {
		if ratio := Compare(load.Of(limiter), load.Of(beside), m); ratio.Told {
			counts[ratio.Verdict]++
		}
	}
	return counts
}

// Short formats the numbers of better, undecided and worse verdicts, and in brackets that of failing ones: "3/1/0 (2)".
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

// CountsLegend explains what Short returns.
const CountsLegend = "A cell counts the loads in which the limiter is better/undecided/worse (in brackets: in which calls fail)."

// Million formats the memory of a million keys that take this number of bytes each: "104 MB".
func Million(bytes float64) string {
	if bytes < 1000 {
		return Number(bytes) + " MB"
	}
	return Short(bytes/1000) + " GB"
}

package results

import "math"

// A Difference is how far several runs are apart in the ratio of one limiter to a baseline under one
// load.
type Difference struct {
	Load    Load
	Limiter string
	Measure Measure
	Ratios  []Spread // of each run; N is 0 where it tells none
	Apart   float64  // by how much the highest of the medians is above the lowest: 0.1 is ten percent
}

// Overlap says whether the spreads of the runs with the lowest and the highest median overlap: then what
// the rounds of one run differ by explains what the runs do.
func (d Difference) Overlap() bool {
	low, high := d.ends()
	return low.High >= high.Low
}

func (d Difference) ends() (low, high Spread) {
	for _, s := range d.Ratios {
		if s.N > 0 && (low.N == 0 || s.Median < low.Median) {
			low = s
		}
		if s.N > 0 && (high.N == 0 || s.Median > high.Median) {
			high = s
		}
	}
	return low, high
}

// Differences compares runs on servers of the same kind: for each load and limiter that at least two of
// them have measured, and each measure that they tell. It is in the order of the first run.
func Differences(runs []Run, baseline string, limiters []string, measures ...Measure) (all []Difference) {
	seen := map[Load]bool{}
	for _, run := range runs {
		for _, cell := range run.Cells {
			load := cell.Load()
			if seen[load] {
				continue
			}
			seen[load] = true
			for _, limiter := range limiters {
				for _, m := range measures {
					if d, ok := difference(runs, load, baseline, limiter, m); ok {
						all = append(all, d)
					}
				}
			}
		}
	}
	return all
}

func difference(runs []Run, load Load, baseline, limiter string, m Measure) (Difference, bool) {
	d := Difference{Load: load, Limiter: limiter, Measure: m}
	if limiter == baseline {
		return d, false
	}
	told := 0
	for _, run := range runs {
		ratio := run.Ratio(load, limiter, baseline, m)
		if ratio.N > 0 {
			told++
		}
		d.Ratios = append(d.Ratios, ratio)
	}
	if told < 2 {
		return d, false
	}
	low, high := d.ends()
	d.Apart = high.Median/low.Median - 1
	return d, true
}

// Ratio returns the ratio of a limiter to a baseline under a load, if the run tells it.
func (r Run) Ratio(load Load, limiter, baseline string, m Measure) Spread {
	cell, ok := r.Cell(load)
	if !ok {
		return Spread{}
	}
	a, okA := cell.Result(limiter)
	b, okB := cell.Result(baseline)
	if !okA || !okB {
		return Spread{}
	}
	return a.Ratio(b, m)
}

// Within returns the share of the differences, 0 to 1, that are at most that far apart; 1 if there are
// none.
func Within(differences []Difference, apart float64) float64 {
	within := 0
	for _, d := range differences {
		if d.Apart <= apart+1e-12 {
			within++
		}
	}
	if len(differences) == 0 {
		return 1
	}
	return float64(within) / math.Max(1, float64(len(differences)))
}

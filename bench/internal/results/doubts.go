package results

import (
	"fmt"
	"math"
	"slices"
)

// A run is doubtful if it exceeds one of these values.
const (
	mostOthers = 5    // percentage of the processors' time that other programs use during a load
	mostSpread = 0.15 // distance of an end of the interval from the median of a limiter's decisions a second, relative to it
	mostApart  = 0.1  // share of the cases whose distance exceeds mostSpread
	mostLoad   = 0.5  // load average for each processor before the run, used if the time of other programs isn't known
)

// FindDoubts returns the reasons why the figures of a run are unreliable: other programs used the machine, the rounds disagree,
// or the floor of a limiter was slower than the limiter. It returns a note instead if the rounds disagree in only a few cases.
func FindDoubts(r Run) (doubts, notes []string) {
	loads := r.Loads()
	if doubt := r.othersUsed(loads); doubt != "" {
		doubts = append(doubts, doubt)
	}
	var slow, apart finds
	cases := 0.0
	for _, load := range loads {
		for _, s := range load.Series {
			cases++
			if decisions := Median(s.Values(Decisions.Unit)); decisions.Center > 0 && !math.IsInf(decisions.Lo, 0) && !s.Failing() {
				spread := max(decisions.Hi/decisions.Center-1, 1-decisions.Lo/decisions.Center)
				if spread > mostSpread {
					apart = append(apart, find{spread, fmt.Sprintf("by %.0f%% for %s with %s", 100*spread, s.Limiter, load)})
				}
			}
			floor := load.Of(r.Limiter(s.Limiter).Floor)
			for _, m := range []Measure{ServerCPU, Decisions} {
				if ratio := Compare(s, floor, m); ratio.Verdict == Better {
					slow = append(slow, find{math.Abs(math.Log(ratio.Center)), fmt.Sprintf("%s than %s with %s", floor.Limiter, s.Limiter, load)})
					break
				}
			}
		}
	}
	if len(slow) > 0 {
		doubts = append(doubts, "a floor, which only makes a limiter's calls, was slower than the limiter: "+slow.worst())
	}
	switch n := float64(len(apart)); {
	case n > mostApart*cases:
		doubts = append(doubts, "the rounds differ "+apart.worst())
	case n > 0:
		notes = append(notes, "the rounds differ "+apart.worst())
	}
	return doubts, notes
}

// othersUsed returns a doubt if programs other than the clients and the server used the machine during a load.
func (r Run) othersUsed(loads []Load) string {
	var disturbed finds
	known := false
	for _, load := range loads {
		var sum, n float64
		for _, s := range load.Series {
			for _, share := range s.Values(Others) {
				sum, n = sum+share, n+1
			}
		}
		known = known || n > 0
		if mean := sum / n; mean > mostOthers {
			disturbed = append(disturbed, find{mean, fmt.Sprintf("%.0f%% of the processors' time with %s", mean, load)})
		}
	}
	switch {
	case len(disturbed) > 0:
		return "other programs used " + disturbed.worst()
	case !known && r.Load > mostLoad*float64(r.Machine.CPUs):
		return fmt.Sprintf("the load average was %.1f on %d processors when the run began", r.Load, r.Machine.CPUs)
	}
	return ""
}

// finds are the cases that give rise to one doubt.
type finds []find

type find struct {
	much float64
	text string
}

// worst returns the text of the worst case, and the number of others.
func (f finds) worst() string {
	text := slices.MaxFunc(f, func(a, b find) int {
		if a.much < b.much {
			return -1
		}
		return 1
	}).text
	if len(f) > 1 {
		text += ", and in " + Plural(len(f)-1, "more case")
	}
	return text
}

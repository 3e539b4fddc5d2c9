package results

import (
	"fmt"
	"math"
	"slices"
)

// A run is doubtful if it exceeds one of these values.
const (
	mostOthers = 5    // percentage of the processors' time that other programs use
	mostSpread = 0.15 // distance of an end of the interval from the median of a limiter's decisions a second, relative to it
	mostApart  = 0.1  // share of the cases whose distance exceeds mostSpread
	mostLoad   = 0.5  // load average for each processor before the run, used if the time of other programs isn't known
)

// FindDoubts returns the reasons why the figures of a run are unreliable: other programs used the machine, the rounds disagree,
// or the floor of a limiter was slower than the limiter. It returns a note instead if the rounds disagree in only a few cases.
func FindDoubts(r Run) (doubts, notes []string) {
	if doubt := r.othersUsed(); doubt != "" {
		doubts = append(doubts, doubt)
	}
	var slow, apart finds
	cases := 0.0
	for _, load := range r.Loads() {
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

// othersUsed returns a doubt if programs other than the clients and the server used the machine.
func (r Run) othersUsed() string {
	var shares []float64
	for _, result := range r.Results {
		if share, ok := result.Value(Others); ok {
			shares = append(shares, share)
		}
	}
	if len(shares) == 0 {
		if r.Load > mostLoad*float64(r.Machine.CPUs) {
			return fmt.Sprintf("the load average was %.1f on %d processors when the run began", r.Load, r.Machine.CPUs)
		}
		return ""
	}
	slices.Sort(shares)
	median, most := shares[len(shares)/2], shares[len(shares)-1]
	busy := len(shares) - len(slices.DeleteFunc(shares, func(share float64) bool { return share > mostOthers }))
	if median <= mostOthers && 10*busy <= busy+len(shares) {
		return ""
	}
	return fmt.Sprintf("other programs used %.0f%% of the processors' time (median of the rounds, up to %.0f%%)", median, most)
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

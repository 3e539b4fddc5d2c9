package results

import (
	"fmt"
	"math"
	"slices"
)

// What a run may show and still be relied on.
const (
	mostOthers = 5    // percent of the processors' time that others use
	mostSpread = 0.15 // how far the interval of a limiter's decisions a second is from their median,
	mostApart  = 0.1  // in so many of all cases
	mostLoad   = 0.5  // the load average when it began, of each processor, where it isn't known what others use
)

// FindDoubts says why the figures of a run can't be relied on: others used the machine, the rounds disagree, or the
// floor of a limiter was slower than the limiter. Where only few rounds disagree, that is a note.
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
		doubts = append(doubts, "what only makes a limiter's calls was slower than the limiter: "+slow.worst())
	}
	switch n := float64(len(apart)); {
	case n > mostApart*cases:
		doubts = append(doubts, "the rounds differ "+apart.worst())
	case n > 0:
		notes = append(notes, "the rounds differ "+apart.worst())
	}
	return doubts, notes
}

// othersUsed says so if others than the clients and the server used the machine.
func (r Run) othersUsed() string {
	var shares []float64
	for _, result := range r.Results {
		if share, ok := result.Value(Others); ok {
			shares = append(shares, share)
		}
	}
	if len(shares) == 0 {
		if r.Load > mostLoad*float64(r.Machine.CPUs) {
			return fmt.Sprintf("the load average was %.1f on %d processors when it began", r.Load, r.Machine.CPUs)
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

// finds are reasons for the same doubt.
type finds []find

type find struct {
	much float64
	text string
}

// worst tells the worst one, and how many others there are.
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

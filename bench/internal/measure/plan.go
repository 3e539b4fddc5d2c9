package measure

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// A plan says what is measured, and under which loads.
type plan struct {
	processes int
	loads     []ask
	rounds    int
	length    time.Duration // of a round
	limit     *algorithms.Limit

	speed, accuracy, memory bool
}

// oneSlice is about how long a limiter is called before it is the next limiter's turn. The turns are so short that a change
// of the machine's speed affects all limiters equally, unless it lasts for less than one turn of each.
const oneSlice = 50 * time.Millisecond

// slices returns the number of slices of a round.
func (p plan) slices() int { return max(1, int(p.length/oneSlice)) }

// sliceLength returns how long a slice is.
func (p plan) sliceLength() time.Duration { return p.length / time.Duration(p.slices()) }

// enough is the number of requests a second that the limits of all keys that are not full admit together, if -limit isn't
// set. No server decides that many.
const enough = 1_000_000

// An ask is a load to measure.
type ask struct {
	processes, goroutines int
	denials, rate         float64 // percent, and requests a second
	keys                  round.Keys
}

// asked returns the load as package results represents it.
func (a ask) asked() results.Asked {
	keys := strconv.Itoa(a.keys.Count)
	if a.keys.Zipf > 0 {
		keys = "zipf:" + keys
	}
	return results.Asked{Processes: a.processes, Goroutines: a.goroutines, Keys: keys, Denials: a.denials, Rate: a.rate}
}

// limitOf returns the limit of those keys of a load that are not full.
func (p plan) limitOf(a ask) algorithms.Limit {
	switch {
	case p.limit != nil:
		return *p.limit
	case a.keys.Count == 1 || a.keys.Zipf > 0: // one key gets all requests, or most
		return algorithms.PerMinute(60 * enough)
	}
	return algorithms.PerMinute(int64(max(60, 60*enough/a.keys.Count)))
}

// order returns the order for one slice of a limiter's round under a load.
func (p plan) order(limiter string, a ask) round.Order {
	return round.Order{
		Limiter: limiter, Limit: p.limitOf(a), Tag: tagOf(a),
		Goroutines: a.goroutines, Rate: a.rate, Keys: a.keys, Denied: a.denials / 100,
		For: p.sliceLength(),
	}
}

// tagOf returns a tag for the names of the keys of a load. Loads with different numbers of keys have different tags, because
// their limits differ.
func tagOf(a ask) string {
	if a.keys.Zipf > 0 {
		return fmt.Sprintf("z%d", a.keys.Count)
	}
	return fmt.Sprintf("s%d", a.keys.Count)
}

// loads returns all combinations of the values that the flags list.
func loads(processes int, goroutines []int, rates, denials []float64, keys []round.Keys) (all []ask) {
	if len(rates) == 0 {
		rates = []float64{0}
	}
	for _, k := range keys {
		for _, d := range denials {
			for _, r := range rates {
				for _, g := range goroutines {
					all = append(all, ask{min(processes, g), g, d, r, k})
				}
			}
		}
	}
	return all
}

// parseKeys parses "hot", "1000" or "zipf:1000".
func parseKeys(text string) (round.Keys, error) {
	if text == "hot" {
		return round.Keys{Count: 1}, nil
	}
	digits, zipf := strings.CutPrefix(text, "zipf:")
	keys := round.Keys{}
	if zipf {
		keys.Zipf = 1.1
	}
	var err error
	if keys.Count, err = strconv.Atoi(digits); err != nil || keys.Count < 1 || keys.Count > maxKeys {
		return keys, fmt.Errorf("%q, want hot, a number of keys up to %d, or zipf: and such a number", text, maxKeys)
	}
	if keys.Count == 1 {
		keys.Zipf = 0
	}
	return keys, nil
}

// maxKeys is the largest number of keys. The names of keys have six digits.
const maxKeys = 1_000_000

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

// A plan is what is measured, beside which limiters and where.
type plan struct {
	processes int
	cells     []results.Cell // without results
	rounds    int
	length    time.Duration // of a round
	limit     *algorithms.Limit

	speed, accuracy, memory bool
}

// enough is how many requests a second of all keys together the limits of keys that are not full let
// through, where none is named: more than any server decides.
const enough = 1_000_000

// limitOf is the limit of the keys of a cell that are not full.
func (p plan) limitOf(cell results.Cell) algorithms.Limit {
	switch {
	case p.limit != nil:
		return *p.limit
	case cell.Keys == 1 || cell.Zipf > 0: // one key gets them all, or nearly
		return algorithms.PerMinute(60 * enough)
	}
	return algorithms.PerMinute(int64(max(60, 60*enough/cell.Keys)))
}

// order is a round of a cell.
func (p plan) order(limiter string, cell results.Cell) round.Order {
	return round.Order{
		Limiter: limiter, Limit: p.limitOf(cell), Tag: tagOf(cell),
		Goroutines: cell.Goroutines, Rate: cell.Rate,
		Keys:   round.Keys{Count: cell.Keys, Zipf: cell.Zipf},
		Denied: cell.Denials / 100,
		For:    p.length,
	}
}

// tagOf tells the keys of a cell from those of cells with other numbers of keys, whose limits are others.
func tagOf(cell results.Cell) string {
	if cell.Zipf > 0 {
		return fmt.Sprintf("z%d", cell.Keys)
	}
	return fmt.Sprintf("s%d", cell.Keys)
}

// name says in a few words what the load of a cell is.
func name(c results.Cell) string {
	parts := []string{plural(c.Goroutines, "goroutine")}
	if c.Processes > 1 {
		parts = append(parts, fmt.Sprintf("in %d processes", c.Processes))
	}
	if c.Rate > 0 {
		parts = append(parts, number(c.Rate)+" requests/s")
	}
	parts = append(parts, strconv.FormatFloat(c.Denials, 'f', -1, 64)+"% denials")
	switch {
	case c.Keys == 1:
		parts = append(parts, "one key")
	case c.Zipf > 0:
		parts = append(parts, fmt.Sprintf("%d keys by Zipf's law, exponent %g", c.Keys, c.Zipf))
	default:
		parts = append(parts, fmt.Sprintf("%d keys", c.Keys))
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// cells are all combinations of what the flags list.
func cells(processes int, goroutines []int, rates, denials []float64, keys []round.Keys) (all []results.Cell) {
	if len(rates) == 0 {
		rates = []float64{0}
	}
	for _, k := range keys {
		for _, d := range denials {
			for _, r := range rates {
				for _, g := range goroutines {
					all = append(all, results.Cell{
						Processes: min(processes, g), Goroutines: g, Denials: d, Rate: r, Keys: k.Count, Zipf: k.Zipf,
					})
				}
			}
		}
	}
	return all
}

// parseKeys reads "hot", "1000" or "zipf:1000".
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

// maxKeys is how many keys can be named in as many digits as all have.
const maxKeys = 1_000_000

package compare

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/go-weir/weir/bench/internal/picture"
)

// deniedKey is a key that had denied requests.
type deniedKey struct {
	key      string
	requests int
	denied   int   // by all algorithms together
	by       []int // by each run
}

// denied returns the keys that were denied by any algorithm. Those with the most denials come first.
func (c Comparison) denied() (keys []deniedKey) {
	at := map[string]int{}
	for i, run := range c.Runs {
		for key, n := range run.Denials {
			if _, known := at[key]; !known {
				at[key] = len(keys)
				keys = append(keys, deniedKey{key: key, by: make([]int, len(c.Runs))})
			}
			k := &keys[at[key]]
			k.denied += n
			k.by[i] = n
		}
	}
	for i := range keys {
		keys[i].requests = c.Requests[keys[i].key]
	}
	slices.SortFunc(keys, func(a, b deniedKey) int {
		return cmp.Or(cmp.Compare(b.denied, a.denied), cmp.Compare(a.key, b.key))
	})
	return keys
}

// mostArrived returns the largest number of events of one key that arrived within any time of the length period.
func (c Comparison) mostArrived(period time.Duration) (most int64) {
	spans := spans{}
	for _, a := range c.Trace.Arrivals {
		most = max(most, spans.of(a.Key).add(a.At, a.Cost, period))
	}
	return most
}

// namedKeys is the number of the most denied keys that are named.
const namedKeys = 5

// keys returns a table of the most denied keys. It has no lines if there is only one key, or if none is denied. A key has at
// most room columns.
func (c Comparison) keys(room int) (header []string, lines [][]string) {
	denied := c.denied()
	header = []string{"most denied", "requests"}
	for _, run := range c.Runs {
		header = append(header, "denied by\n"+strings.Join(run.Names, ",\n"))
	}
	if len(c.Requests) == 1 {
		return header, nil
	}
	for _, k := range denied[:min(len(denied), namedKeys)] {
		line := []string{shortKey(k.key, room), counted(k.requests)}
		for _, n := range k.by {
			line = append(line, counted(n))
		}
		lines = append(lines, line)
	}
	return header, lines
}

// shortKey returns a key without invisible characters, cut to a number of columns.
func shortKey(key string, columns int) string {
	key = picture.Printable(key)
	if key == "" {
		key = `""`
	}
	return runewidth.Truncate(key, columns, "…")
}

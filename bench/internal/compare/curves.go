package compare

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-weir/weir/bench/internal/picture"
)

// curves are the data of a run's part of a figure, for some keys.
type curves struct {
	// How many events of the first key arrived and passed in the period that ends at each time. A delayed request passes
	// when it leaves the queue.
	arrived, passed []picture.Step
	waiting         []picture.Step // how many requests of the first key are in the queue

	times [][3][]float64 // for each key: when the requests arrived that were admitted at once, delayed, and denied
}

// The indexes of curves.times.
const (
	atOnce = iota
	delayed
	refusedOnes
)

// curves returns the curves of a run.
func (c Comparison) curves(run Run, keys []string) curves {
	made := curves{times: make([][3][]float64, len(keys))}
	var arrived, passed []spanEntry
	for i, o := range run.Outcomes {
		a := c.Trace.Arrivals[i]
		key := slices.Index(keys, a.Key)
		if key < 0 {
			continue
		}
		which := refusedOnes
		if o.Allowed && o.Delay > 0 {
			which = delayed
		} else if o.Allowed {
			which = atOnce
		}
		made.times[key][which] = append(made.times[key][which], a.At.Seconds())
		if key == 0 {
			arrived = append(arrived, spanEntry{a.At, weight(run.Kind, a)})
			if o.Allowed {
				passed = append(passed, spanEntry{a.At + o.Delay, weight(run.Kind, a)})
			}
		}
	}
	made.arrived, made.passed = sliding(arrived, c.Trace.Limit.Period), sliding(passed, c.Trace.Limit.Period)
	for _, change := range c.queued(run, func(key string) bool { return key == keys[0] }) {
		made.waiting = step(made.waiting, change.at, int64(change.now))
	}
	return made
}

// sliding returns how many events there are in the period that ends at each time. An event that is exactly a period old is
// no longer counted.
func sliding(entries []spanEntry, period time.Duration) (steps []picture.Step) {
	changes := slices.Clone(entries)
	for _, e := range entries {
		changes = append(changes, spanEntry{e.at + period, -e.events})
	}
	slices.SortFunc(changes, func(a, b spanEntry) int { return cmp.Compare(a.at, b.at) })
	sum := int64(0)
	for _, change := range changes {
		sum += change.events
		steps = step(steps, change.at, sum)
	}
	return steps
}

// step adds a step, or changes the last one if that is at the same time.
func step(steps []picture.Step, at time.Duration, height int64) []picture.Step {
	added := picture.Step{X: at.Seconds(), Y: float64(height)}
	if last := len(steps) - 1; last >= 0 && steps[last].X == added.X {
		steps[last] = added
		return steps
	}
	return append(steps, added)
}

// within returns the steps from first to last. The first of them is at first.
func within(steps []picture.Step, first, last float64) (inside []picture.Step) {
	inside = []picture.Step{{X: first}}
	for _, s := range steps {
		switch {
		case s.X <= first:
			inside[0].Y = s.Y
		case s.X <= last:
			inside = append(inside, s)
		}
	}
	return inside
}

// between returns the times from first to last.
func between(times []float64, first, last float64) []float64 {
	from, _ := slices.BinarySearch(times, first)
	to := from
	for to < len(times) && times[to] <= last {
		to++
	}
	return times[from:to]
}

// shownKeys is the largest number of keys in a figure.
const shownKeys = 3

// shown returns the keys that a figure shows: the most denied ones, or else the one with the most requests.
func (c Comparison) shown() (keys []string) {
	for _, k := range c.denied() {
		if keys = append(keys, k.key); len(keys) == shownKeys {
			break
		}
	}
	if len(keys) > 0 {
		return keys
	}
	most := c.Trace.Arrivals[0].Key
	for key, n := range c.Requests {
		if n > c.Requests[most] || n == c.Requests[most] && key < most {
			most = key
		}
	}
	return []string{most}
}

package compare

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/trace"
)

// curves are what a run's part of a figure shows.
type curves struct {
	arrived  []picture.Step // how much has arrived up to a time
	ideal    []picture.Step // how much of it the limit allows at most
	admitted []picture.Step // how much has gone through, each request when it left the queue

	times [3][]float64 // when the requests arrived that were admitted at once, delayed, denied

	busiest string         // the key with the most requests
	left    []picture.Step // its remaining quota, as each answer told, or how many of it wait
}

// The indexes of curves.times.
const (
	atOnce = iota
	delayed
	refusedOnes
)

// curves returns the curves of a run.
func (c Comparison) curves(run Run) curves {
	weighed := slices.Clone(c.Trace.Arrivals)
	var made curves
	made.busiest = busiest(weighed)
	sum := int64(0)
	type departure struct {
		at     time.Duration
		weight int64
	}
	var departures []departure
	for i := range weighed {
		a, o := &weighed[i], run.Outcomes[i]
		a.Cost = weight(run.Kind, *a)
		sum += a.Cost
		made.arrived = append(made.arrived, picture.Step{X: a.At.Seconds(), Y: float64(sum)})
		which := refusedOnes
		if o.Allowed {
			which = atOnce
			if o.Delay > 0 {
				which = delayed
			}
			departures = append(departures, departure{a.At + o.Delay, a.Cost})
		}
		made.times[which] = append(made.times[which], a.At.Seconds())
		if run.Kind.Costs && a.Key == made.busiest && !o.OverLimit {
			made.left = append(made.left, picture.Step{X: a.At.Seconds(), Y: float64(o.Remaining)})
		}
	}
	made.ideal = ideal(c.Trace.Limit, weighed)
	// Several keys' queues are emptied side by side.
	slices.SortStableFunc(departures, func(x, y departure) int { return cmp.Compare(x.at, y.at) })
	sum = 0
	for _, d := range departures {
		sum += d.weight
		made.admitted = append(made.admitted, picture.Step{X: d.at.Seconds(), Y: float64(sum)})
	}
	if !run.Kind.Costs {
		made.left = append(made.left, picture.Step{X: weighed[0].At.Seconds()})
		for _, change := range c.queued(run, func(key string) bool { return key == made.busiest }) {
			step := picture.Step{X: change.at.Seconds(), Y: float64(change.now)}
			if last := len(made.left) - 1; made.left[last].X == step.X {
				made.left[last] = step // one came as another left
				continue
			}
			made.left = append(made.left, step)
		}
	}
	return made
}

// ideal returns how much of what arrives a limiter could admit that is never ahead of the limit's rate
// and burst, and never behind it for want of anything but requests: one that could admit a request in
// part. Requests that cost more than the burst are passed over.
func ideal(limit algorithms.Limit, arrivals []trace.Arrival) (steps []picture.Step) {
	type bucket struct {
		tokens float64
		at     time.Duration
	}
	buckets := map[string]*bucket{}
	rate, burst := float64(limit.Rate)/limit.Period.Seconds(), float64(limit.BurstOrRate())
	sum := 0.0
	for _, a := range arrivals {
		b := buckets[a.Key]
		if b == nil {
			b = &bucket{burst, a.At}
			buckets[a.Key] = b
		}
		b.tokens, b.at = min(burst, b.tokens+rate*(a.At-b.at).Seconds()), a.At
		if cost := float64(a.Cost); cost <= burst {
			admitted := min(cost, b.tokens)
			b.tokens -= admitted
			sum += admitted
		}
		steps = append(steps, picture.Step{X: a.At.Seconds(), Y: sum})
	}
	return steps
}

// busiest returns the key with the most arrivals, of several the first.
func busiest(arrivals []trace.Arrival) string {
	counts := map[string]int{}
	for _, a := range arrivals {
		counts[a.Key]++
	}
	most := arrivals[0].Key
	for _, a := range arrivals {
		if counts[a.Key] > counts[most] {
			most = a.Key
		}
	}
	return most
}

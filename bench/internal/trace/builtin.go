package trace

import (
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// Builtin returns the traces that need no file.
func Builtin() []Trace {
	return []Trace{
		{
			Name:  "edge",
			About: "20 requests just before the edge of a fixed window, and 20 just after",
			Look:  "Each burst has a fixed window of its own, so fixedwindow lets nearly twice the limit through in 0.2s. The request at 0.9s opens the first window; with -aligned the clock does.",
			Limit: algorithms.PerSecond(10),
			// The clock's own second ends at 2s, between the two bursts too: aligned windows let
			// through exactly twice the limit.
			Arrivals: slices.Concat(
				evenly(900*time.Millisecond, 0, 1),
				evenly(1800*time.Millisecond, 5*time.Millisecond, 20),
				evenly(2000*time.Millisecond, 5*time.Millisecond, 20),
			),
		},
		{
			Name:  "idle",
			About: "a few requests, an idle pause, then 40 requests in 0.4s",
			Look:  "What a pause saves up is the burst, 20. gcra and leakybucket let it through at once, then the rate; fixedwindow and slidinglog have no burst and stop at 10; the queue lets out one each 0.1s.",
			Limit: algorithms.PerSecond(10).WithBurst(20),
			Arrivals: slices.Concat(
				evenly(0, 250*time.Millisecond, 6),
				evenly(3*time.Second, 10*time.Millisecond, 40),
			),
		},
		{
			Name:     "steady",
			About:    "100 requests at 10 a second, a little above the limit",
			Look:     "fixedwindow and slidinglog deny in clumps, at the end of each second. gcra and leakybucket use up their burst first, then deny every fifth. The queue makes requests wait longer and longer, and is full at last.",
			Limit:    algorithms.PerSecond(8),
			Arrivals: evenly(0, 100*time.Millisecond, 100),
		},
		{
			Name:     "bursts",
			About:    "16 bursts of 10 requests in 0.5s, one each 6s",
			Look:     "No burst is more than 10 a second, so a limit of that alone stops nothing, and 100 pass in a minute. allof holds to 60/minute as well: it stops every burst after the sixth until a minute has passed, and counts none of what it stops.",
			Limit:    algorithms.PerSecond(10),
			And:      algorithms.PerMinute(60),
			Arrivals: repeated(16, 6*time.Second, evenly(0, 50*time.Millisecond, 10)),
		},
		{
			Name:     "articles",
			About:    "100 requests, evenly over 10s",
			Look:     "Above the rate for long enough, every limiter lets through the same: one each second. The queue lets one more wait, which leaves at 10s.",
			Limit:    algorithms.PerSecond(1),
			Arrivals: evenly(0, 100*time.Millisecond, 100),
		},
	}
}

// evenly returns n requests of one key, the first at from and each next one every later.
func evenly(from, every time.Duration, n int) []Arrival {
	arrivals := make([]Arrival, n)
	for i := range arrivals {
		arrivals[i] = Arrival{At: from + time.Duration(i)*every, Cost: 1}
	}
	return arrivals
}

// repeated returns arrivals n times, each time later by every.
func repeated(n int, every time.Duration, arrivals []Arrival) (all []Arrival) {
	for i := range n {
		for _, a := range arrivals {
			a.At += time.Duration(i) * every
			all = append(all, a)
		}
	}
	return all
}

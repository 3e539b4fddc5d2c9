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
			About: "20 requests just before the end of a fixed window, and 20 just after",
			Look:  "Each burst falls into a fixed window of its own, so fixedwindow admits nearly twice the limit within 0.2s. The request at 0.9s opens the first window. With -aligned, windows begin at whole seconds of the clock.",
			Limit: algorithms.PerSecond(10),
			// A whole second of the clock ends at 2s, between the two bursts. So aligned windows admit exactly
			// twice the limit.
			Arrivals: slices.Concat(
				evenly(900*time.Millisecond, 0, 1),
				evenly(1800*time.Millisecond, 5*time.Millisecond, 20),
				evenly(2000*time.Millisecond, 5*time.Millisecond, 20),
			),
		},
		{
			Name:  "idle",
			About: "a few requests, an idle pause, then 40 requests in 0.4s",
			Look:  "After the pause the whole burst of 20 is available. gcra and leakybucket admit it at once, and then admit at the rate. fixedwindow and slidinglog have no burst, and admit 10. The queue releases one request each 0.1s.",
			Limit: algorithms.PerSecond(10).WithBurst(20),
			Arrivals: slices.Concat(
				evenly(0, 250*time.Millisecond, 6),
				evenly(3*time.Second, 10*time.Millisecond, 40),
			),
		},
		{
			Name:     "steady",
			About:    "100 requests at 10 a second, a little above the limit",
			Look:     "fixedwindow and slidinglog deny several requests in a row, at the end of each second. gcra and leakybucket use up their burst first, and then deny every fifth request. In the queue requests wait longer and longer, until it is full.",
			Limit:    algorithms.PerSecond(8),
			Arrivals: evenly(0, 100*time.Millisecond, 100),
		},
		{
			Name:     "bursts",
			About:    "16 bursts of 10 requests in 0.5s, one each 6s",
			Look:     "No burst has more than 10 requests a second, so a limit of 10 a second denies none of them, and 100 pass in a minute. allof also applies 60 a minute: it denies every burst after the sixth until a minute has passed, and charges no request that it denies.",
			Limit:    algorithms.PerSecond(10),
			And:      algorithms.PerMinute(60),
			Arrivals: repeated(16, 6*time.Second, evenly(0, 50*time.Millisecond, 10)),
		},
		{
			Name:     "articles",
			About:    "100 requests, evenly over 10s",
			Look:     "Requests come at ten times the rate, so every limiter admits the same: one each second. In the queue one more waits, and leaves at 10s.",
			Limit:    algorithms.PerSecond(1),
			Arrivals: evenly(0, 100*time.Millisecond, 100),
		},
	}
}

// evenly returns n requests of one key. The first is at from, and the others follow at intervals of every.
func evenly(from, every time.Duration, n int) []Arrival {
	arrivals := make([]Arrival, n)
	for i := range arrivals {
		arrivals[i] = Arrival{At: from + time.Duration(i)*every, Cost: 1}
	}
	return arrivals
}

// repeated returns n copies of arrivals, which follow each other at intervals of every.
func repeated(n int, every time.Duration, arrivals []Arrival) (all []Arrival) {
	for i := range n {
		for _, a := range arrivals {
			a.At += time.Duration(i) * every
			all = append(all, a)
		}
	}
	return all
}

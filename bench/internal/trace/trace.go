// Package trace holds the requests for a comparison of rate limiters, with the times at which they arrive.
package trace

import (
	"time"

	"github.com/go-weir/weir/algorithms"
)

// An Arrival is one request.
type Arrival struct {
	At   time.Duration // the time since the beginning of the trace, in whole microseconds
	Key  string        // the key of the request; each key is limited separately
	Cost int64         // the number of events that it counts for, at least 1
}

// A Trace is a sequence of requests in the order in which they arrive.
type Trace struct {
	Name     string
	About    string           // a short description of the requests
	Look     string           // a sentence that says what to look at in a comparison
	Notes    []string         // sentences that say how the trace was read
	Limit    algorithms.Limit // the limit for its keys
	And      algorithms.Limit // a second limit, which only allof checks; zero for none
	Start    time.Time        // the time of its beginning; zero if it has no fixed time
	Arrivals []Arrival
}

// Limits names the limits.
func (t Trace) Limits() string {
	if t.And.Rate == 0 {
		return t.Limit.String()
	}
	return t.Limit.String() + " and one of " + t.And.String()
}

// Keys returns the number of different keys.
func (t Trace) Keys() int {
	seen := map[string]struct{}{}
	for _, arrival := range t.Arrivals {
		seen[arrival.Key] = struct{}{}
	}
	return len(seen)
}

// Costs reports whether any arrival counts for more than one event.
func (t Trace) Costs() bool {
	for _, arrival := range t.Arrivals {
		if arrival.Cost != 1 {
			return true
		}
	}
	return false
}

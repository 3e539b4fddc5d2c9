// Package trace has the requests of a comparison of rate limiters, with the times at which they arrive.
package trace

import (
	"time"

	"github.com/go-weir/weir/algorithms"
)

// An Arrival is one request.
type Arrival struct {
	At   time.Duration // since the trace's beginning, whole microseconds
	Key  string        // who sent it: each key is limited separately
	Cost int64         // how many events it counts for, from 1
}

// A Trace is a number of requests, in the order in which they arrive.
type Trace struct {
	Name     string
	About    string           // what is sent, in a few words
	Look     string           // what to look at in a comparison, as a sentence
	Notes    []string         // how it was read, as sentences
	Limit    algorithms.Limit // what it is sent to
	And      algorithms.Limit // a second limit, which only allof holds to as well; zero for none
	Start    time.Time        // what its times are since; zero if that is any time
	Arrivals []Arrival
}

// Limits names the limits.
func (t Trace) Limits() string {
	if t.And.Rate == 0 {
		return t.Limit.String()
	}
	return t.Limit.String() + " and one of " + t.And.String()
}

// Keys returns how many different keys the arrivals have.
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

package compare

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/trace"
)

// An Outcome is what a subject made of one request. Durations are whole microseconds.
type Outcome struct {
	Allowed    bool          // admitted, or taken into the queue
	OverLimit  bool          // it costs more than the limit can ever admit; it was not decided on
	Delay      time.Duration // how long an allowed request waits in the queue
	RetryAfter time.Duration // how long a denied one was told to wait
	Remaining  int64         // how many more events would be allowed now
}

const aligned = "-aligned" // what the name of a kind ends with that -aligned puts in another's place

// kinds are all that can be compared, in the order in which they are shown.
var kinds = slices.DeleteFunc(slices.Clone(subject.All), func(k subject.Kind) bool {
	return k.Name == "fixedwindow"+aligned
})

// named are all limiters that can be named: allof, which is gcra and fixedwindow decided as one, is shown only if it is.
var named = append(slices.Clone(kinds), subject.BurstAndWindow)

// twins are kinds that decide as another one does, always. Where both are compared, one row stands for both.
var twins = map[string]string{"leakybucket": "gcra"}

// rows returns the kinds of which each has a row, and the names that the row of a kind has.
func rows(all []subject.Kind) (kinds []subject.Kind, names map[string][]string) {
	names = map[string][]string{}
	for _, k := range all {
		if twin := twins[k.Name]; slices.ContainsFunc(all, func(k subject.Kind) bool { return k.Name == twin }) {
			names[twin] = append(names[twin], k.Name)
			continue
		}
		kinds, names[k.Name] = append(kinds, k), append(names[k.Name], k.Name)
	}
	return kinds, names
}

// kindsOf returns the named kinds in their usual order, all but allof for no name, and leases if they are named or work is
// given; ok is false where a name is none, and unknown says which.
func kindsOf(names []string, work time.Duration) (found []subject.Kind, unknown string, ok bool) {
	known := kindNames()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, name, false
		}
	}
	found = slices.Clone(kinds)
	if len(names) > 0 {
		found = slices.DeleteFunc(slices.Clone(named), func(k subject.Kind) bool { return !slices.Contains(names, k.Name) })
	}
	if work > 0 || slices.Contains(names, inflightName) {
		found = append(found, inflightKind(cmp.Or(work, defaultWork)))
	}
	return found, "", true
}

// weight is what a kind counts an arrival for.
func weight(k subject.Kind, a trace.Arrival) int64 {
	if weighs(k) {
		return a.Cost
	}
	return 1
}

// decide has the subject decide on an arrival.
func (p *player) decide(ctx context.Context, a trace.Arrival) (Outcome, error) {
	answer, err := p.subject.Ask(ctx, a.Key, subject.Allow, a.Cost)
	switch {
	case errors.Is(err, algorithms.ErrCostExceedsLimit):
		return Outcome{OverLimit: true}, nil
	case err != nil:
		return Outcome{}, err
	case p.kind.Costs:
		result := answer.Result
		return Outcome{Allowed: result.Allowed, RetryAfter: result.RetryAfter, Remaining: result.Remaining}, nil
	}
	slot := answer.Slot
	outcome := Outcome{Allowed: slot.Accepted, RetryAfter: slot.RetryAfter, Remaining: p.limit.BurstOrRate() - slot.Queued}
	if slot.Accepted {
		outcome.Delay = slot.Delay
	}
	return outcome, nil
}

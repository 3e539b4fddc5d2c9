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

// An Outcome is the decision of a subject on one request. Durations are whole microseconds.
type Outcome struct {
	Allowed    bool          // admitted, or taken into the queue
	OverLimit  bool          // it costs more than the limit can ever admit, so there was no decision
	Delay      time.Duration // how long an allowed request waits in the queue
	RetryAfter time.Duration // how long a denied one was told to wait
	Remaining  int64         // how many more events would be allowed now
}

const aligned = "-aligned" // the end of the name of the kind that replaces fixedwindow if the flag -aligned is set

// kinds are the kinds that are compared by default, in the order in which they are shown.
var kinds = slices.DeleteFunc(slices.Clone(subject.All), func(k subject.Kind) bool {
	return k.Name == "fixedwindow"+aligned
})

// allofName is the name of the kind that decides by gcra under a trace's limit and fixedwindow under its second limit as one
// decision. Without a second limit, both have the same one. The kind is compared if it is named, or if nothing is named and
// the trace has a second limit.
const allofName = "allof"

// twins maps kinds to other kinds that always make the same decisions. If both are compared, they share one row.
var twins = map[string]string{"leakybucket": "gcra"}

// rows returns the kinds that have a row of their own, and the names of each of these rows.
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

// A choice says which kinds to compare.
type choice struct {
	names []string      // only these kinds; if empty, the default ones for a trace
	work  time.Duration // how long a request is in progress; if it isn't 0, inflight is compared too
}

// kindNames returns the names that a choice can have.
func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return append(names, allofName, inflightName)
}

// unknown returns the first name that isn't the name of a kind.
func (c choice) unknown() (name string, found bool) {
	known := kindNames()
	i := slices.IndexFunc(c.names, func(name string) bool { return !slices.Contains(known, name) })
	if i < 0 {
		return "", false
	}
	return c.names[i], true
}

// kinds returns the kinds to compare on a trace, in the order in which they are shown.
func (c choice) kinds(t trace.Trace) []subject.Kind {
	found := slices.DeleteFunc(slices.Clone(kinds), func(k subject.Kind) bool {
		return len(c.names) > 0 && !slices.Contains(c.names, k.Name)
	})
	if slices.Contains(c.names, allofName) || len(c.names) == 0 && t.And.Rate > 0 {
		found = append(found, subject.BurstAndWindow(t.And))
	}
	if c.work > 0 || slices.Contains(c.names, inflightName) {
		found = append(found, inflightKind(cmp.Or(c.work, defaultWork)))
	}
	return found
}

// weight returns the number of events that an arrival counts for a kind.
func weight(k subject.Kind, a trace.Arrival) int64 {
	if weighs(k) {
		return a.Cost
	}
	return 1
}

// decide sends an arrival to the subject and returns its decision.
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

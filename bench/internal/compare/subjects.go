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

// allofName is the name of gcra under a trace's limit and fixedwindow under its second one, or under the same, decided as one. It
// is compared if it is named or the trace has a second limit.
const allofName = "allof"

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

// A choice says which kinds to compare.
type choice struct {
	names []string      // only these; none is all that the trace is for
	work  time.Duration // inflight too, where a request takes so long; 0 is none
}

// kindNames returns the names that a choice can have.
func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return append(names, allofName, inflightName)
}

// unknown returns the first name that is none.
func (c choice) unknown() (name string, found bool) {
	known := kindNames()
	i := slices.IndexFunc(c.names, func(name string) bool { return !slices.Contains(known, name) })
	if i < 0 {
		return "", false
	}
	return c.names[i], true
}

// kinds returns what to compare on a trace, in the usual order.
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

// weight is the cost of an arrival for a kind.
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

package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// The accuracy of a limiter is measured with requests for one key. Many goroutines send them without a pause for two and a
// half periods, so that windows change twice.
var (
	accuracyLimit = algorithms.PerSecond(1000)
	accuracyTime  = 2500 * time.Millisecond
)

const accuracyGoroutines = 64

// accuracySteps is the number of steps of the progress bar for one limiter.
var accuracySteps = int(accuracyTime / oneSlice)

// judged returns the limiters that have a definition to compare them with.
func (r *run) judged() []round.Limiter {
	return slices.DeleteFunc(slices.Clone(r.limiters), func(l round.Limiter) bool { return l.Definition == round.None })
}

// accuracies counts the requests that each limiter admits under concurrent load, and the number that its definition admits.
func (r *run) accuracies(ctx context.Context) error {
	for _, limiter := range r.judged() {
		r.bar.Say("accuracy of " + limiter.Name)
		order := round.Order{
			Limiter: limiter.Name, Limit: accuracyLimit, Tag: "w", Keys: round.Keys{Count: 1},
			Goroutines: max(accuracyGoroutines, len(r.crew.workers)),
		}
		// These calls open connections and load scripts. They use another key.
		order.Calls = 2 * order.Goroutines
		if _, err := r.do(ctx, order); err != nil {
			return err
		}
		order.Tag, order.Calls, order.For, order.Traced = "a", 0, accuracyTime, true
		tallies, err := r.do(ctx, order)
		if err != nil {
			return err
		}
		var events []round.Event
		var calls int
		for _, tally := range tallies {
			events = append(events, tally.Events...)
			calls += int(tally.Calls)
		}
		found, err := judge(limiter.Definition, accuracyLimit, events)
		if err != nil {
			return fmt.Errorf("%s: %w", limiter.Name, err)
		}
		r.done.Results = append(r.done.Results, &benchfmt.Result{
			Name: results.AccuracyNamed(limiter.Name), Iters: calls, Values: found.values(calls),
		})
		r.bar.Step(accuracySteps)
	}
	return nil
}

// A judgement holds the number of requests that were admitted, and the number that the definition admits at the same times.
// The latter is a range, because a client can't know when within a call the server decided.
type judgement struct{ admitted, failed, low, high int }

func (j judgement) values(calls int) []benchfmt.Value {
	return []benchfmt.Value{
		results.Value(float64(j.admitted), results.Admitted), results.Value(float64(j.low), results.Least),
		results.Value(float64(j.high), results.Most), results.Value(float64(j.failed)/float64(max(1, calls)), results.Failed),
	}
}

// judge judges the events of one key. It applies the definition twice: to the times at which calls began, and to those at
// which they ended. It widens the range by the part of the limit that may become free during the longest call.
func judge(definition round.Definition, limit algorithms.Limit, events []round.Event) (found judgement, err error) {
	began, ended := make([]int64, 0, len(events)), make([]int64, 0, len(events))
	var longest int64
	for _, e := range events {
		began, ended = append(began, e.Began), append(ended, e.Ended)
		longest = max(longest, e.Ended-e.Began)
		switch {
		case e.Failed:
			found.failed++
		case e.Allowed:
			found.admitted++
		}
	}
	early, err := admits(definition, limit, began)
	if err != nil {
		return found, err
	}
	late, err := admits(definition, limit, ended)
	if err != nil {
		return found, err
	}
	// With a rate, the part that becomes free is in proportion to that time. With a window or a log, all requests that were
	// admitted in a span of that length may become free at once. They are at most the calls in that span.
	slack := min(mostIn(ended, time.Duration(longest)+1), int(limit.Rate))
	if definition == round.GCRA || definition == round.SlidingCounter {
		slack = 1 + int(float64(longest)*float64(limit.Rate)/float64(limit.Period))
	}
	found.low, found.high = max(0, min(early, late)-slack), max(early, late)+slack
	return found, nil
}

// mostIn returns the largest number of moments in any span that is shorter than the period.
func mostIn(moments []int64, period time.Duration) (most int) {
	slices.Sort(moments)
	first := 0
	for i, at := range moments {
		for at-moments[first] >= int64(period) {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

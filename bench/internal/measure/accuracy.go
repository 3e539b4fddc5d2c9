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

// What the limiters are judged by: requests of one key, from many goroutines as fast as they come, for two
// and a half periods, so that windows change twice.
var (
	accuracyLimit = algorithms.PerSecond(1000)
	accuracyTime  = 2500 * time.Millisecond
)

const (
	accuracyGoroutines = 64
	accuracySteps      = 5 // of progress, as it takes longer than a round
)

// judged are the limiters that promise something.
func (r *run) judged() []round.Limiter {
	return slices.DeleteFunc(slices.Clone(r.limiters), func(l round.Limiter) bool { return l.Definition == round.None })
}

// accuracies counts what each limiter admits under concurrent load, beside its own definition.
func (r *run) accuracies(ctx context.Context) error {
	for _, limiter := range r.judged() {
		r.bar.Say("accuracy of " + limiter.Name)
		order := round.Order{
			Limiter: limiter.Name, Limit: accuracyLimit, Tag: "w", Keys: round.Keys{Count: 1},
			Goroutines: max(accuracyGoroutines, len(r.crew.workers)),
		}
		// Connections are opened and scripts loaded with another key.
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

// A judgement is how many requests were admitted, and how many the definition admits of the same at the same times. When
// within a call it was decided can't be known, so that is a range.
type judgement struct{ admitted, failed, low, high int }

func (j judgement) values(calls int) []benchfmt.Value {
	return []benchfmt.Value{
		results.Value(float64(j.admitted), results.Admitted), results.Value(float64(j.low), results.Least),
		results.Value(float64(j.high), results.Most), results.Value(float64(j.failed)/float64(max(1, calls)), results.Failed),
	}
}

// judge judges the events of one key. The definition decides once as early and once as late as can be, and what may come
// back of the limit during the longest call is allowed for either way.
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
	// A rate gives back its part of that time. A window or a log may give back all that was admitted in a stretch of that
	// length, which is at most the number of calls in it.
	slack := min(mostIn(ended, time.Duration(longest)+1), int(limit.Rate))
	if definition == round.GCRA || definition == round.SlidingCounter {
		slack = 1 + int(float64(longest)*float64(limit.Rate)/float64(limit.Period))
	}
	found.low, found.high = max(0, min(early, late)-slack), max(early, late)+slack
	return found, nil
}

// mostIn is the most of some moments that lie in any span shorter than a period.
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

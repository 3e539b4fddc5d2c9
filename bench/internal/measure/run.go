package measure

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// run is a plan being carried out.
type run struct {
	plan
	crew     *crew
	admin    *admin
	watch    *watch
	prefix   string
	all      []round.Limiter // the limiters that the workers know
	limiters []round.Limiter // the limiters that are measured
	bar      progress.Bar

	filled map[string]bool // the tags whose full keys all limiters have filled
	failed map[string]bool // the limiters with a note about a failure
	orders uint64
	ends   []func() error
	done   results.Run
}

// measure carries out the plan. If ctx ends first, it stops, marks the run as interrupted and returns an error.
func (r *run) measure(ctx context.Context) error {
	for _, part := range []struct {
		wanted bool
		do     func(context.Context) error
	}{{r.speed, r.loadsInTurn}, {r.accuracy, r.accuracies}, {r.memory, r.memories}} {
		if !part.wanted {
			continue
		}
		if err := part.do(ctx); err != nil {
			r.done.Interrupted = ctx.Err() != nil
			return err
		}
	}
	return nil
}

// steps returns the number of steps of the progress bar. A step takes as long as a slice.
func (r *run) steps() (n int) {
	if r.speed {
		n += len(r.loads) * r.rounds * len(r.limiters) * r.slices()
	}
	if r.accuracy {
		n += len(r.judged()) * accuracySteps
	}
	if r.memory {
		n += len(r.judged()) * len(logLengths)
	}
	return n
}

// gap is the time between two slices, and starting is the time before the first. Both are estimates.
const (
	gap      = 25 * time.Millisecond
	starting = 5 * time.Second
)

// expected returns a sentence that says what is measured, and how long it takes.
func (r *run) expected() string {
	takes := starting + time.Duration(r.steps())*(r.sliceLength()+gap)
	about := takes.Round(time.Second)
	if about > 2*time.Minute {
		about = takes.Round(30 * time.Second)
	}
	text := results.Plural(len(r.limiters), "limiter")
	if r.speed {
		text += ", " + results.Plural(len(r.loads), "load") + ", " + results.Plural(r.rounds, "round") + fmt.Sprintf(" of %v each", r.length)
	}
	return "Measuring " + text + ": about " + spoken(about) + "."
}

// spoken formats a duration without "0s" at its end: 12m, 1m30s, 45s.
func spoken(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// loadsInTurn measures all limiters under each load.
func (r *run) loadsInTurn(ctx context.Context) error {
	for _, a := range r.loads {
		r.bar.Say(a.asked().String())
		if err := r.fill(ctx, a); err != nil {
			return err
		}
		rounds, err := r.load(ctx, a)
		r.done.Results = append(r.done.Results, rounds...)
		if err != nil {
			return err
		}
	}
	return nil
}

// fill uses up the limits of the keys that must be full, with each limiter, once for each number of keys.
func (r *run) fill(ctx context.Context, a ask) error {
	if a.denials == 0 || r.filled[tagOf(a)] {
		return nil
	}
	for _, limiter := range r.limiters {
		order := r.order(limiter.Name, a)
		order.Goroutines, order.Calls, order.Fill = len(r.crew.workers), 0, true
		if _, err := r.do(ctx, order); err != nil {
			return err
		}
	}
	r.filled[tagOf(a)] = true
	return nil
}

// do has the workers carry out an order. Each order has its own random seed.
func (r *run) do(ctx context.Context, order round.Order) ([]round.Tally, error) {
	r.orders++
	order.Seed = r.orders
	return r.crew.do(ctx, order)
}

// load measures all limiters under one load. If it is interrupted, it returns the rounds that are complete.
func (r *run) load(ctx context.Context, a ask) (rounds []*benchfmt.Result, err error) {
	sent := make([]map[string]float64, len(r.limiters))
	for i, limiter := range r.limiters {
		if sent[i], err = r.warm(ctx, a, limiter.Name); err != nil {
			return nil, err
		}
	}
	for number := range r.rounds {
		one, err := r.round(ctx, a, number, sent)
		if err != nil {
			return rounds, err
		}
		rounds = append(rounds, one...)
	}
	return rounds, nil
}

// round measures a round of all limiters, which take turns of one slice each. sent is what warm returned for each of them.
func (r *run) round(ctx context.Context, a ask, number int, sent []map[string]float64) (all []*benchfmt.Result, err error) {
	before, err := r.spent(ctx)
	if err != nil {
		return nil, err
	}
	sums := make([]sum, len(r.limiters))
	for slice := range r.slices() {
		for at := range r.limiters {
			// The order changes with each slice, so that no limiter is always the first.
			i := (at + slice + number) % len(r.limiters)
			if err := r.slice(ctx, a, r.limiters[i].Name, &sums[i]); err != nil {
				return nil, err
			}
			r.bar.Step(1)
		}
	}
	after, err := r.spent(ctx)
	if err != nil {
		return nil, err
	}
	share, known := others(before, after)
	for i, limiter := range r.limiters {
		values, err := sums[i].figures(sent[i], r.limit == nil)
		if err != nil {
			return nil, err
		}
		if known {
			values = append(values, results.Value(fourDigits(share), results.Others))
		}
		all = append(all, &benchfmt.Result{Name: a.asked().Named(limiter.Name), Iters: int(sums[i].Calls), Values: values})
		r.noteFailure(limiter.Name, sums[i].FirstFailure)
	}
	return all, nil
}

// noteFailure adds a note about the first failed call of a limiter.
func (r *run) noteFailure(limiter, failure string) {
	if failure != "" && !r.failed[limiter] {
		r.failed[limiter] = true
		r.done.Notes = append(r.done.Notes, limiter+" failed first with: "+strings.ReplaceAll(failure, "\n", "; "))
	}
}

// spent returns the processor time that the machine has spent.
func (r *run) spent(ctx context.Context) (spent, error) {
	used, err := r.admin.usage(ctx)
	return r.watch.now(ctx, used.process), err
}

// slice measures one slice of a limiter's round, and adds it to the sum.
func (r *run) slice(ctx context.Context, a ask, limiter string, to *sum) error {
	before, err := r.admin.usageBefore(ctx)
	if err != nil {
		return err
	}
	tallies, err := r.do(ctx, r.order(limiter, a))
	if err != nil {
		return err
	}
	after, err := r.admin.usage(ctx)
	if err != nil {
		return err
	}
	return to.add(tallies, after.since(before))
}

// censusCalls is the number of calls for which the commands of a limiter are counted.
const censusCalls = 100

// warm makes calls that aren't measured, so that connections are open and scripts loaded. Then it counts the commands that the
// limiter sends, and returns their number for each decision by name.
func (r *run) warm(ctx context.Context, a ask, limiter string) (sent map[string]float64, err error) {
	order := r.order(limiter, a)
	order.Rate, order.Calls = 0, 2*order.Goroutines
	if _, err := r.do(ctx, order); err != nil {
		return nil, err
	}
	order.Goroutines, order.Calls, order.Census = 1, censusCalls, true
	tallies, err := r.do(ctx, order)
	if err != nil {
		return nil, err
	}
	sent = map[string]float64{}
	for _, tally := range tallies {
		for command, count := range tally.Commands {
			sent[command] += float64(count) / censusCalls
		}
	}
	return sent, nil
}

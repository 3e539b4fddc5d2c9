package measure

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
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

// steps returns the number of steps of the progress bar. A step takes as long as a round.
func (r *run) steps() (n int) {
	if r.speed {
		n += len(r.loads) * r.rounds * len(r.limiters)
	}
	if r.accuracy {
		n += len(r.judged()) * accuracySteps
	}
	if r.memory {
		n += len(logLengths)
	}
	return n
}

// gap is the time between two rounds, and starting is the time before the first. Both are estimates.
const (
	gap      = 30 * time.Millisecond
	starting = 5 * time.Second
)

// expected returns a sentence that says what is measured, and how long it takes.
func (r *run) expected() string {
	takes := starting + time.Duration(r.steps())*(r.length+gap)
	about := takes.Round(time.Second)
	if about > 2*time.Minute {
		about = takes.Round(time.Minute)
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

// load measures all limiters under one load. They take turns of one round each, so that other work of the machine slows all
// of them. If load is interrupted, it returns the rounds of the turns that are complete.
func (r *run) load(ctx context.Context, a ask) (rounds []*benchfmt.Result, err error) {
	sent := make([]map[string]float64, len(r.limiters))
	for i, limiter := range r.limiters {
		if sent[i], err = r.warm(ctx, a, limiter.Name); err != nil {
			return nil, err
		}
	}
	for turn := range r.rounds {
		turns := make([]*benchfmt.Result, len(r.limiters))
		for at := range r.limiters {
			// Each turn begins with another limiter, so that the first one isn't always the same.
			i := (at + turn) % len(r.limiters)
			if turns[i], err = r.once(ctx, a, r.limiters[i].Name, sent[i]); err != nil {
				return rounds, err
			}
			r.bar.Step(1)
		}
		rounds = append(rounds, turns...)
	}
	return rounds, nil
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

// once measures one round of one limiter.
func (r *run) once(ctx context.Context, a ask, limiter string, sent map[string]float64) (*benchfmt.Result, error) {
	before, err := r.admin.usage(ctx)
	if err != nil {
		return nil, err
	}
	spentBefore := r.watch.now(ctx, before.process)
	tallies, err := r.do(ctx, r.order(limiter, a))
	if err != nil {
		return nil, err
	}
	after, err := r.admin.usage(ctx)
	if err != nil {
		return nil, err
	}
	share, known := others(spentBefore, r.watch.now(ctx, after.process))
	values, calls, err := figures(tallies, after.since(before), sent, r.limit == nil)
	if err != nil {
		return nil, err
	}
	if known {
		values = append(values, results.Value(fourDigits(share), results.Others))
	}
	for _, tally := range tallies {
		if tally.FirstFailure != "" && !r.failed[limiter] {
			r.failed[limiter] = true
			r.done.Notes = append(r.done.Notes, limiter+" failed first with: "+strings.ReplaceAll(tally.FirstFailure, "\n", "; "))
		}
	}
	return &benchfmt.Result{Name: a.asked().Named(limiter), Iters: calls, Values: values}, nil
}

// figures returns the values of a round from the tallies of the workers and the usage of the server. Denials by keys that
// aren't full count as wrong only if their limit is unreachable.
func figures(tallies []round.Tally, used usage, sent map[string]float64, unreachable bool) (values []benchfmt.Value, calls int, err error) {
	var sum round.Tally
	var throughput float64
	latency := newHistogram()
	for _, tally := range tallies {
		if tally.Calls == 0 {
			continue
		}
		throughput += float64(tally.Calls) / tally.Took.Seconds()
		decoded, err := hdrhistogram.Decode(tally.Latency)
		if err != nil {
			return nil, 0, fmt.Errorf("measure: can't read the latencies of a worker: %w", err)
		}
		latency.Merge(decoded)
		sum.Calls += tally.Calls
		sum.Denied += tally.Denied
		sum.Failed += tally.Failed
		sum.WronglyAdmitted += tally.WronglyAdmitted
		if unreachable {
			sum.WronglyDenied += tally.WronglyDenied
		}
		sum.Mallocs += tally.Mallocs
		sum.Malloced += tally.Malloced
		sum.Sent += tally.Sent
		sum.Received += tally.Received
	}
	if sum.Calls == 0 {
		return nil, 0, errors.New("measure: a round ended before its first call: want longer rounds")
	}
	n := float64(sum.Calls)
	commands, inRound := 0.0, map[string]float64{}
	for command, each := range sent {
		commands += each
		inRound[command] = each * n
	}
	for _, v := range []struct {
		value float64
		unit  string
	}{
		{throughput, "decisions/s"},
		{float64(latency.ValueAtQuantile(50)), "p50-ns"},
		{float64(latency.ValueAtQuantile(99)), "p99-ns"},
		{float64(used.cpu.Nanoseconds()) / n, "server-ns/op"},
		{1000 * used.took(inRound) / n, "command-ns/op"},
		{float64(sum.Malloced) / n, results.AllocBytes},
		{float64(sum.Mallocs) / n, results.Allocs},
		{float64(sum.Sent) / n, results.Sent},
		{float64(sum.Received) / n, results.Received},
		{commands, results.Commands},
		{used.calls() / n, results.ServerCommands},
		{float64(sum.Denied) / n, results.Denied},
		{float64(sum.Failed) / n, results.Failed},
		{float64(sum.WronglyAdmitted+sum.WronglyDenied) / n, results.Wrong},
	} {
		values = append(values, results.Value(fourDigits(v.value), v.unit))
	}
	return values, int(sum.Calls), nil
}

// newHistogram returns a histogram with the same range and precision as those of the workers.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 120e9, 2) }

// fourDigits rounds a value to four digits. The measurement isn't more precise than that.
func fourDigits(value float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', 4, 64), 64)
	if err != nil {
		return value
	}
	return short
}

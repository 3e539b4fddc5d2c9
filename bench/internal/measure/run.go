package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// run is a plan being carried out.
type run struct {
	plan
	crew     *crew
	admin    *admin
	prefix   string
	all      []round.Limiter // that the workers know
	limiters []round.Limiter // that are measured
	bar      progress.Bar

	filled map[string]bool // tags of keys of which all limiters have made the full ones full
	orders uint64
	done   results.Run
}

// measure does all that the plan says. When ctx ends it stops with what there is, and says so.
func (r *run) measure(ctx context.Context) error {
	for _, part := range []struct {
		wanted bool
		do     func(context.Context) error
	}{{r.speed, r.cellsInTurn}, {r.accuracy, r.accuracies}, {r.memory, r.memories}} {
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

// steps is how many steps of progress there are.
func (r *run) steps() (n int) {
	if r.speed {
		n += len(r.cells) * r.rounds * len(r.limiters)
	}
	if r.accuracy {
		n += len(r.judged()) * accuracySteps
	}
	if r.memory {
		n += len(r.judged()) * len(logLengths)
	}
	return n
}

// cellsInTurn measures all limiters under each cell's load.
func (r *run) cellsInTurn(ctx context.Context) error {
	for _, c := range r.cells {
		r.bar.Say(name(c))
		if err := r.fill(ctx, c); err != nil {
			return err
		}
		cell, err := r.cell(ctx, c)
		if len(cell.Results) > 0 {
			r.done.Cells = append(r.done.Cells, cell)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill makes the full keys of all limiters full, once for each number of keys.
func (r *run) fill(ctx context.Context, cell results.Cell) error {
	if cell.Denials == 0 || r.filled[tagOf(cell)] {
		return nil
	}
	for _, limiter := range r.limiters {
		order := r.order(limiter.Name, cell)
		order.Goroutines, order.Calls, order.Fill = len(r.crew.workers), 0, true
		if _, err := r.do(ctx, order); err != nil {
			return err
		}
	}
	r.filled[tagOf(cell)] = true
	return nil
}

// do has the workers carry out an order. The requests of each order are others.
func (r *run) do(ctx context.Context, order round.Order) ([]round.Tally, error) {
	r.orders++
	order.Seed = r.orders
	return r.crew.do(ctx, order)
}

// A measured is what was found of a limiter in a cell so far.
type measured struct {
	results.Result
	latency *hdrhistogram.Histogram
	sent    map[string]float64 // commands of a decision, by name
	sums    struct{ mallocs, malloced, sent, received, commands float64 }
}

// cell measures all limiters under one load, a round each in turn, so that what else the machine does is done
// to all. When it is cut short it returns what there is of all whole turns.
func (r *run) cell(ctx context.Context, cell results.Cell) (results.Cell, error) {
	all := make([]measured, len(r.limiters))
	for i, limiter := range r.limiters {
		all[i] = measured{Result: results.Result{Limiter: limiter.Name}, latency: newHistogram()}
		if err := r.warm(ctx, cell, &all[i]); err != nil {
			return results.Cell{}, err
		}
	}
	var err error
	for turn := range r.rounds {
		for i := range all {
			// Each turn begins with another, so that none always comes after the same.
			if err = r.once(ctx, cell, &all[(i+turn)%len(all)]); err != nil {
				break
			}
			r.bar.Step(1)
		}
		if err != nil {
			break
		}
	}
	whole := len(slices.MinFunc(all, func(a, b measured) int { return len(a.Rounds) - len(b.Rounds) }).Rounds)
	if whole == 0 {
		return results.Cell{}, err
	}
	for _, m := range all {
		cell.Results = append(cell.Results, m.result())
	}
	return cell, err
}

// censusCalls is how many calls it takes to learn which commands a limiter sends.
const censusCalls = 100

// warm has connections opened and scripts loaded before anything counts, and learns what is sent.
func (r *run) warm(ctx context.Context, cell results.Cell, m *measured) error {
	order := r.order(m.Limiter, cell)
	order.Rate, order.Calls = 0, 2*order.Goroutines
	if _, err := r.do(ctx, order); err != nil {
		return err
	}
	order.Goroutines, order.Calls, order.Census = 1, censusCalls, true
	tallies, err := r.do(ctx, order)
	if err != nil {
		return err
	}
	m.sent = map[string]float64{}
	for _, tally := range tallies {
		for command, count := range tally.Commands {
			m.sent[command] += float64(count) / censusCalls
			m.Commands += float64(count) / censusCalls
		}
	}
	return nil
}

// once measures one round of one limiter.
func (r *run) once(ctx context.Context, cell results.Cell, m *measured) error {
	before, err := r.admin.usage(ctx)
	if err != nil {
		return err
	}
	tallies, err := r.do(ctx, r.order(m.Limiter, cell))
	if err != nil {
		return err
	}
	after, err := r.admin.usage(ctx)
	if err != nil {
		return err
	}
	return m.add(tallies, after.since(before))
}

// add adds what workers and the server tell of a round.
func (m *measured) add(tallies []round.Tally, used usage) error {
	var one results.Round
	var calls float64
	latency := newHistogram()
	for _, tally := range tallies {
		if tally.Calls == 0 {
			continue
		}
		calls += float64(tally.Calls)
		one.Throughput += float64(tally.Calls) / tally.Took.Seconds()
		decoded, err := hdrhistogram.Decode(tally.Latency)
		if err != nil {
			return fmt.Errorf("measure: latencies of a worker: %w", err)
		}
		latency.Merge(decoded)
		m.Calls += tally.Calls
		m.Admitted += tally.Admitted
		m.Denied += tally.Denied
		m.Failed += tally.Failed
		m.WronglyDenied += tally.WronglyDenied
		m.WronglyAdmitted += tally.WronglyAdmitted
		if m.FirstFailure == "" {
			m.FirstFailure = tally.FirstFailure
		}
		m.sums.mallocs += float64(tally.Mallocs)
		m.sums.malloced += float64(tally.Malloced)
		m.sums.sent += float64(tally.Sent)
		m.sums.received += float64(tally.Received)
	}
	if calls == 0 {
		return errors.New("measure: a round without a call: want longer rounds")
	}
	one.P50, one.P99 = us(latency.ValueAtPercentile(50)), us(latency.ValueAtPercentile(99))
	one.ServerCPU = float64(used.cpu.Microseconds()) / calls
	sent := map[string]float64{}
	for command, each := range m.sent {
		sent[command] = each * calls
	}
	one.CommandCPU = used.took(sent) / calls
	m.sums.commands += used.calls()
	m.latency.Merge(latency)
	m.Rounds = append(m.Rounds, one)
	return nil
}

// percentiles are those of which a result tells the latency.
var percentiles = []float64{0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99}

// result sums up the rounds.
func (m *measured) result() results.Result {
	calls := float64(m.Calls)
	m.Allocs, m.AllocBytes = m.sums.mallocs/calls, m.sums.malloced/calls
	m.Sent, m.Received = m.sums.sent/calls, m.sums.received/calls
	m.ServerCommands = m.sums.commands / calls
	m.Latency = results.Latency{Mean: m.latency.Mean() / 1000, Max: us(m.latency.Max())}
	for _, p := range percentiles {
		m.Latency.Points = append(m.Latency.Points, [2]float64{p, us(m.latency.ValueAtPercentile(p))})
	}
	return m.Result
}

// newHistogram returns one like the workers'.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 120e9, 2) }

// us is nanoseconds in microseconds.
func us(ns int64) float64 { return float64(ns) / 1000 }

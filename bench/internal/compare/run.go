// Package compare sends the same requests to each of Weir's algorithms, and compares their decisions.
package compare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/trace"
	"github.com/go-weir/weir/scripts"
)

// A Setup says how to compare.
type Setup struct {
	Runner  scripts.Runner // runs the scripts on a server; nil to keep the state in this process
	Prefix  string         // the prefix of all keys
	Kinds   []subject.Kind // the kinds to compare
	Aligned bool           // whether fixed windows begin at whole periods of the trace's time

	Decided *atomic.Int64 // the number of decisions so far, which is updated during the run
}

// A Comparison is the result of several algorithms for one trace.
type Comparison struct {
	Trace   trace.Trace
	Aligned bool
	Runs    []Run

	Requests map[string]int // the number of requests of each key
}

// A Run is the result of one algorithm for a trace: an outcome for each arrival.
type Run struct {
	Kind     subject.Kind // the kind in Setup.Kinds, even if its windows were aligned
	Names    []string     // the name of the kind, and of kinds that make the same decisions
	Outcomes []Outcome
	Totals   Totals
	Denials  map[string]int // the number of denied requests of each key
}

// Name is the name of the run.
func (r Run) Name() string { return strings.Join(r.Names, ", ") }

// cleanupTime is how long the removal of keys may take, for each algorithm.
const cleanupTime = time.Minute

// Compare sends the trace to each algorithm. The algorithm's clock shows the time of each request. In the end Compare
// removes all keys that the requests have created, even after an error.
func (s Setup) Compare(ctx context.Context, t trace.Trace) (Comparison, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if !slices.ContainsFunc(s.Kinds, func(k subject.Kind) bool { return k.Name == allofName }) {
		t.And = algorithms.Limit{} // only allof uses it
	}
	kinds, names := rows(s.Kinds)
	c := Comparison{Trace: t, Aligned: s.Aligned, Runs: make([]Run, len(kinds)), Requests: map[string]int{}}
	for _, a := range t.Arrivals {
		c.Requests[a.Key]++
	}
	left := make([]error, len(kinds))
	var all sync.WaitGroup
	for i, kind := range kinds {
		all.Go(func() {
			player, err := s.player(kind, t)
			if err != nil {
				stop(err)
				return
			}
			outcomes, err := player.play(ctx, t.Arrivals, s.Decided)
			if err != nil {
				stop(err) // only the first error is reported
			}
			if s.Runner != nil {
				left[i] = player.cleanUp(ctx)
			}
			c.Runs[i] = Run{Kind: kind, Names: names[kind.Name], Outcomes: outcomes}
			c.Runs[i].Totals, c.Runs[i].Denials = total(t, kind, outcomes)
		})
	}
	all.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	for _, cleanup := range left {
		if cleanup != nil {
			return c, leftBehind(s.Prefix, err, cleanup)
		}
	}
	return c, err
}

var errInterrupted = errors.New("interrupted")

// leftBehind adds the error of a failed removal of keys to err, which may be nil.
func leftBehind(prefix string, err, cleanup error) error {
	if err == nil {
		return fmt.Errorf("keys %s:* are left, and expire by themselves: %w", prefix, cleanup)
	}
	return fmt.Errorf("%w; keys %s:* may be left, and expire by themselves", err, prefix)
}

// A player sends a trace to one subject.
type player struct {
	subject subject.Subject
	kind    subject.Kind
	limit   algorithms.Limit
	now     time.Time // what the subject's clock shows
	start   time.Time // of the trace
	touched map[string]struct{}
	decided bool
}

func (s Setup) player(k subject.Kind, t trace.Trace) (*player, error) {
	start := t.Start
	if start.IsZero() {
		// The trace begins at a whole period since the Unix epoch, near the year 2000, so that aligned
		// windows begin at whole periods of the trace.
		const near = 946684800 * 1e6 // µs
		start = time.UnixMicro(near - near%t.Limit.Period.Microseconds())
	}
	p := &player{kind: k, limit: t.Limit, now: start, start: start, touched: map[string]struct{}{}}
	opts := []algorithms.Option{
		algorithms.WithPrefix(s.Prefix),
		algorithms.WithClock(func() time.Time { return p.now }),
	}
	made := k
	if inPlace, err := subject.Named(k.Name + aligned); s.Aligned && err == nil {
		made = inPlace
	}
	var err error
	if s.Runner == nil {
		p.subject, err = made.NewLocal(t.Limit, opts...)
	} else {
		p.subject, err = made.New(s.Runner, t.Limit, opts...)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	return p, nil
}

// play sends the arrivals, each at its time.
func (p *player) play(ctx context.Context, arrivals []trace.Arrival, decided *atomic.Int64) ([]Outcome, error) {
	outcomes := make([]Outcome, 0, len(arrivals))
	calls, stop := outlasting(ctx)
	defer stop()
	for _, arrival := range arrivals {
		if ctx.Err() != nil {
			return outcomes, ctx.Err()
		}
		p.now = p.start.Add(arrival.At)
		p.touched[arrival.Key] = struct{}{}
		outcome, err := p.decide(calls, arrival)
		if err != nil {
			return outcomes, err
		}
		p.decided = true
		decided.Add(1)
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// outlasting returns a context that ends a second after ctx, so that a call in progress can finish. If the call were given
// up, the server could still run it after cleanUp has removed its key.
func outlasting(ctx context.Context) (context.Context, func()) {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancel) })
	return calls, func() { stop(); cancel() }
}

// cleanUp removes the state of all keys, even if ctx has ended.
func (p *player) cleanUp(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer stop()
	for key := range p.touched {
		// A server that has never answered has no keys, and its error is already reported.
		if _, err := p.subject.Ask(ctx, key, subject.Reset, 0); err != nil && p.decided {
			return err
		} else if err != nil {
			return nil
		}
	}
	return nil
}

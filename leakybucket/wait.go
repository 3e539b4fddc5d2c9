package leakybucket

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-weir/weir/internal/remote"
)

// A taker is a queue that Wait takes places of.
type taker interface {
	// take takes n places, unless the last would depart later than patience from now. With told, the place can be given
	// back.
	take(ctx context.Context, key string, n int64, patience time.Duration, told bool) (place, error)

	// giveBack gives a place back, if no later one was taken since.
	giveBack(ctx context.Context, key string, p place) error

	// name returns what names the key's queue among those that share turns, and its rule.
	name(key string) (string, queueRule)
}

// timeToGiveBack is how long a caller whose context has ended may wait for its place to be given back.
const timeToGiveBack = 250 * time.Millisecond

// wait takes n places and sleeps until the last one's turn.
func wait(ctx context.Context, q taker, turns *turns, key string, n int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: nothing was asked: %w", err)
	}
	// Were the question given up with ctx, a place that it has taken would not be known, and so not be given back.
	longer, cancel := remote.Outlasting(ctx, timeToGiveBack)
	defer cancel()
	patience := anyTime
	deadline, hurries := ctx.Deadline()
	if hurries {
		patience = max(time.Until(deadline), 0)
	}
	p, err := q.take(longer, key, n, patience, ctx.Done() != nil)
	answered := time.Now()
	switch {
	case err != nil:
		if end := ctx.Err(); end != nil && !errors.Is(err, end) {
			return fmt.Errorf("weir: waiting for a place in the queue: %w: %w", end, err)
		}
		return err
	case !p.slot.Accepted && p.slot.RetryAfter > 0:
		return fmt.Errorf("%w: %d wait, a place is free in %v", ErrQueueFull, p.slot.Queued, p.slot.RetryAfter)
	case !p.slot.Accepted:
		return fmt.Errorf("weir: the wait would be %v, the context ends in %v: %w", p.slot.Delay, patience, context.DeadlineExceeded)
	}
	name, rule := q.name(key)
	due := answered.Add(p.slot.Delay) // the departure is not later by the server's clock, which was read before
	for at := due; ; {
		switch {
		case ctx.Err() != nil:
			err = fmt.Errorf("weir: waiting in the queue: %w", ctx.Err())
		case hurries && !at.Before(deadline):
			err = fmt.Errorf("weir: the turn would come %v after the context's end: %w", at.Sub(deadline), context.DeadlineExceeded)
		default:
			err = sleep(ctx, time.Until(at))
		}
		if err != nil {
			break
		}
		if at = turns.next(name, due, time.Now(), rule, n); at.IsZero() {
			return nil
		}
	}
	back, stop := context.WithTimeout(longer, timeToGiveBack)
	defer stop()
	_ = q.giveBack(back, key, p) // at once or not at all: a second time might give another caller's place back
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("weir: waiting in the queue: %w", ctx.Err())
	}
}

// mostTurns is how many keys turns are kept of, each until its next departure.
const mostTurns = 10_000

// turns hold the callers of one process apart whose answers from the server were late.
type turns struct {
	mu   sync.Mutex
	last map[string]turn
}

// A turn is when a call on a key has returned, and when the next departure may be.
type turn struct{ at, over time.Time }

func newTurns() *turns { return &turns{last: map[string]turn{}} }

// next takes the turn of a caller whose n places were due, and returns the zero Time. If the turn before was too close, it
// takes none and returns when to ask again.
//
// Calls that return late, since goroutines do not wake on time, count with the time at which they returned, as long as a
// key's calls are less than an interval late by that. Beyond, they count with the time at which they ought to have: else a
// queue in steady use would fall behind ever more.
func (t *turns) next(name string, due, now time.Time, r queueRule, n int64) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := due
	if last, known := t.last[name]; known {
		if earliest := last.at.Add(r.gap(n)); at.Before(earliest) {
			at = earliest
		}
	}
	if now.Before(at) {
		return at
	}
	if latest := due.Add(r.gap(1)); at.Before(latest) {
		at = latest
		if now.Before(at) {
			at = now
		}
	}
	if _, known := t.last[name]; !known && len(t.last) >= mostTurns {
		t.sweep(now)
	}
	t.last[name] = turn{at, at.Add(r.gap(1))}
	return time.Time{}
}

// sweep forgets what no longer holds a call up, and one turn at least.
func (t *turns) sweep(now time.Time) {
	for name, turn := range t.last {
		if !now.Before(turn.over) {
			delete(t.last, name)
		}
	}
	for name := range t.last {
		if len(t.last) < mostTurns {
			return
		}
		delete(t.last, name)
	}
}

func (t *turns) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.last, name)
}

// gap is the time between departures n places apart, rounded down.
func (r queueRule) gap(n int64) time.Duration { return time.Duration(r.Times(n).Us) * time.Microsecond }

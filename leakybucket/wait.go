package leakybucket

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-weir/weir/internal/remote"
)

// A taker is a queue from which Wait takes places.
type taker interface {
	// take takes n places, unless the last would depart later than patience from now. If told is true, the place can be
	// given back.
	take(ctx context.Context, key string, n int64, patience time.Duration, told bool) (place, error)

	// giveBack gives a place back, unless a later one was taken since.
	giveBack(ctx context.Context, key string, p place) error

	// name returns the name of the key's queue, which is unique among queues that share turns, and the queue's rule.
	name(key string) (string, queueRule)
}

// timeToGiveBack is how long a caller whose context has ended may wait for its place to be given back.
const timeToGiveBack = 250 * time.Millisecond

// wait takes n places and sleeps until the last one's turn.
func wait(ctx context.Context, q taker, turns *turns, key string, n int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: no place was taken: %w", err)
	}
	// The call must outlast ctx: if it ended with ctx, a place that it has taken would be unknown and couldn't be given back.
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
	due := answered.Add(p.slot.Delay) // not before the departure: the server read its clock before it answered
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
	_ = q.giveBack(back, key, p) // only once: a repeated call might give back the place of another caller
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

// mostTurns is the number of keys whose turns are kept, each until its next departure.
const mostTurns = 10_000

// turns keeps the Waits of one process apart, even if answers from the server were late.
type turns struct {
	mu   sync.Mutex
	last map[string]turn
}

// A turn is when the last Wait of a key returned, and when the next one may.
type turn struct{ at, over time.Time }

func newTurns() *turns { return &turns{last: map[string]turn{}} }

// next takes the turn of a caller whose n places were due, and returns the zero Time. If the previous turn is too close, it
// takes none and returns when to ask again.
//
// A goroutine may wake late. If it is late by less than an interval, the turn counts from the time of its return. If it is
// later, the turn counts from an interval after it was due: otherwise a busy queue would fall further and further behind.
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

// sweep forgets the turns that no longer delay a call, and at least one turn.
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

// gap returns the time between departures that are n places apart, rounded down.
func (r queueRule) gap(n int64) time.Duration { return time.Duration(r.Times(n).Us) * time.Microsecond }

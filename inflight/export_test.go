package inflight

import (
	"context"
	"sync"
	"time"
)

// A Clock is a clock that a test moves, for the renewals of a lease. Its sleeps end at once, and move it.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*fakeTimer
	slept  []time.Duration
}

// NewClock returns a clock that shows start.
func NewClock(start time.Time) *Clock { return &Clock{now: start} }

type fakeTimer struct {
	clock  *Clock
	at     time.Time
	active bool
	f      func()
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Jump moves the clock on and calls no timer, as if the process had been suspended.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Advance moves the clock on, and calls each timer at its time.
func (c *Clock) Advance(d time.Duration) {
	end := c.Now().Add(d)
	for {
		c.mu.Lock()
		var next *fakeTimer
		for _, t := range c.timers {
			if t.active && !t.at.After(end) && (next == nil || t.at.Before(next.at)) {
				next = t
			}
		}
		if next == nil {
			c.now = end
			c.mu.Unlock()
			return
		}
		next.active = false
		if next.at.After(c.now) {
			c.now = next.at
		}
		c.mu.Unlock()
		next.f()
	}
}

// Active returns how many timers are running.
func (c *Clock) Active() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.timers {
		if t.active {
			n++
		}
	}
	return n
}

// Slept returns the pauses that were slept through.
func (c *Clock) Slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}

// Reset implements timer.
func (t *fakeTimer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	was := t.active
	t.at, t.active = t.clock.now.Add(d), true
	return was
}

// Stop implements timer.
func (t *fakeTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	was := t.active
	t.active = false
	return was
}

func (c *Clock) clock() clock {
	return clock{
		now: c.Now,
		afterFunc: func(d time.Duration, f func()) timer {
			t := &fakeTimer{clock: c, f: f}
			t.Reset(d)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.timers = append(c.timers, t)
			return t
		},
		sleep: func(ctx context.Context, d time.Duration) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.mu.Lock()
			c.slept = append(c.slept, d)
			c.mu.Unlock()
			c.Advance(d)
			return nil
		},
	}
}

// Hold is Hold on the clock.
func (c *Clock) Hold(ctx context.Context, limiter Limiter, key string) (*Lease, error) {
	return hold(ctx, c.clock(), limiter, key, NewID())
}

// Wait is Wait on the clock.
func (c *Clock) Wait(ctx context.Context, limiter Limiter, key string) (*Lease, error) {
	return wait(ctx, c.clock(), limiter, key)
}

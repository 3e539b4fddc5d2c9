package inflight

import (
	"context"
	"time"
)

// A clock is the time by which a process renews its leases. Tests use another.
type clock struct {
	now       func() time.Time
	afterFunc func(d time.Duration, f func()) timer
	sleep     func(ctx context.Context, d time.Duration) error
}

// A timer is a *time.Timer of time.AfterFunc.
type timer interface {
	Reset(d time.Duration) bool
	Stop() bool
}

var system = clock{
	now:       time.Now,
	afterFunc: func(d time.Duration, f func()) timer { return time.AfterFunc(d, f) },
	sleep: func(ctx context.Context, d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	},
}

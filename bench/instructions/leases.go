package main

import (
	"context"
	"time"

	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// openLeases is open for the scripts of leases. At most limit.Rate leases are held, each for an
// hour.
func (c weirCase) openLeases(run scripts.Runner) (charge, counted decide, err error) {
	l, err := inflight.New(run, c.limit.Rate, time.Hour)
	if err != nil {
		return nil, nil, err
	}
	charge = func(ctx context.Context, key string) (bool, error) {
		result, err := l.Acquire(ctx, key, inflight.NewID())
		return result.Allowed, err
	}
	switch c.script {
	case scripts.InflightRenew:
		id := inflight.NewID()
		charge = func(ctx context.Context, key string) (bool, error) {
			result, err := l.Acquire(ctx, key, id)
			return result.Allowed, err
		}
		return charge, func(ctx context.Context, key string) (bool, error) { return true, l.Renew(ctx, key, id) }, nil
	case scripts.InflightPeek:
		return charge, admits(l.Peek), nil
	}
	return charge, charge, nil
}

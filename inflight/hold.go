package inflight

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/scripts"
)

// A FullError means that no lease was free. errors.Is(err, ErrFull) matches it.
type FullError struct {
	Result algorithms.Result // of Acquire
}

// Error implements error.
func (e *FullError) Error() string {
	return fmt.Sprintf("%v: at most %d, one ends in %v if it is not renewed", ErrFull, e.Result.Limit, e.Result.RetryAfter)
}

// Unwrap returns [ErrFull].
func (e *FullError) Unwrap() error { return ErrFull }

// Do calls f while it holds a lease of the key. If no lease is free, it returns a [FullError] at once, and does not call f.
//
// The lease is renewed while f runs, and given back when f returns or panics. If the lease is lost, which can happen if the
// server gives no answer for as long as TTL, f's context ends, and its cause wraps [ErrNotHeld]. Do returns the error of f,
// joined with that cause if the lease was lost.
func Do(ctx context.Context, limiter Limiter, key string, f func(ctx context.Context) error) error {
	lease, err := Hold(ctx, limiter, key)
	if err != nil {
		return err
	}
	defer func() { _ = lease.Release() }() // f has succeeded or failed by itself; without Release the lease ends after TTL
	if err := f(lease.Context(ctx)); err != nil {
		return errors.Join(err, lease.Err())
	}
	return nil
}

// Hold takes a lease of the key and renews it until Release is called, which the caller must do. If no lease is free, it
// returns a [FullError] at once.
func Hold(ctx context.Context, limiter Limiter, key string) (*Lease, error) {
	return hold(ctx, system, limiter, key, NewID())
}

// hold acquires the lease of that id.
func hold(ctx context.Context, clock clock, limiter Limiter, key, id string) (*Lease, error) {
	if option.IsNil(limiter) {
		return nil, fmt.Errorf("%w: want one of New or NewLocal", algorithms.ErrNilLimiter)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("weir: no lease was taken: %w", err)
	}
	sent := clock.now()
	result, err := limiter.Acquire(ctx, key, id)
	switch {
	case err != nil:
		if scripts.ErrorCode(err) == "" && !isOfArguments(err) {
			_ = release(ctx, limiter, key, id) // it may have been taken
		}
		return nil, err
	case !result.Allowed:
		return nil, &FullError{result}
	}
	return newLease(ctx, clock, limiter, key, id, result, sent), nil
}

// isOfArguments reports whether an error says that nothing was sent.
func isOfArguments(err error) bool {
	return errors.Is(err, ErrInvalidID) || errors.Is(err, algorithms.ErrInvalidTime)
}

// The pauses between the calls of Wait.
const (
	firstPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// Wait waits until a lease is free, and returns it as Hold does. If ctx ends first, it returns an error that wraps ctx's
// error and [ErrFull]. An error of the limiter ends the wait.
//
// Wait polls: after 5 ms, and then after ever longer pauses of at most a second, which vary at random. So a free lease is
// taken within a second, but not in the order in which callers came. If order matters, or very many wait, put the queue of
// package leakybucket in front.
func Wait(ctx context.Context, limiter Limiter, key string) (*Lease, error) {
	return wait(ctx, system, limiter, key)
}

func wait(ctx context.Context, clock clock, limiter Limiter, key string) (*Lease, error) {
	id := NewID()
	var full *FullError
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		lease, err := hold(ctx, clock, limiter, key, id)
		if errors.As(err, &full) {
			random := pause/2 + time.Duration(rand.Int64N(int64(pause/2))) //nolint:gosec // nothing secret depends on it
			if err = clock.sleep(ctx, min(random, full.Result.RetryAfter)); err == nil {
				continue
			}
		}
		if err != nil && full != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", err, full)
		}
		return lease, err
	}
}

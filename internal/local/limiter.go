package local

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Rule is an algorithm under one limit.
type Rule[S any] interface {
	// Capacity is the largest cost.
	Capacity() int64

	// Decide decides on a request of cost n at the time now, in µs. Only if commit is set it
	// changes the state, and then returns until when that means anything; else 0.
	Decide(state *S, now, n int64, commit bool) (result algorithms.Result, until int64)
}

// A Limiter is an [algorithms.Limiter] inside this process.
type Limiter[S any] struct {
	store    *Store[S]
	settings algorithms.Settings
	rule     Rule[S]
}

// New returns the limiter of a rule. Without WithClock, the clock is time.Now.
func New[S any](rule Rule[S], settings algorithms.Settings) *Limiter[S] {
	simulated := settings.Clock != nil
	if !simulated {
		settings.Clock = time.Now
	}
	return &Limiter[S]{NewStore[S](simulated), settings, rule}
}

// With returns a limiter of the same keys under another rule.
func (l *Limiter[S]) With(rule Rule[S]) *Limiter[S] {
	return &Limiter[S]{l.store, l.settings, rule}
}

// Settings returns what the limiter was made with.
func (l *Limiter[S]) Settings() algorithms.Settings { return l.settings }

// AllowN decides on a request of cost n.
func (l *Limiter[S]) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return l.decide(ctx, key, n, true)
}

// Peek tells what AllowN would, for a cost of 1, and changes nothing.
func (l *Limiter[S]) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.decide(ctx, key, 1, false)
}

// Reset forgets the key.
func (l *Limiter[S]) Reset(ctx context.Context, key string) error {
	if err := Ended(ctx); err != nil {
		return err
	}
	l.store.Forget(key)
	return nil
}

func (l *Limiter[S]) decide(ctx context.Context, key string, n int64, commit bool) (result algorithms.Result, err error) {
	if err := algorithms.CheckCost(n, l.rule.Capacity()); err != nil {
		return algorithms.Result{}, err
	}
	if err := Ended(ctx); err != nil {
		return algorithms.Result{}, err
	}
	err = l.store.Do(key, l.settings.Now, func(state *S, now int64) (until int64) {
		result, until = l.rule.Decide(state, now, n, commit)
		return until
	})
	return result, err
}

// Ended returns an error if the context has ended: nothing is charged then.
func Ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: nothing was asked: %w", err)
	}
	return nil
}

package algorithms

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

var (
	_ Reserver = (*Remote)(nil)
	_ Reserver = (*Local)(nil)
)

// AllowAtMost asks for as many of n events as fit, and returns how many were admitted. The Result is allowed if any were. If
// none was, RetryAfter is the exact wait for one event. The error wraps [ErrInvalidCost] for an n below 1. An n above
// Result.Limit is not an error. The call is one script and, in a sliding log, one entry.
func (l *Remote) AllowAtMost(ctx context.Context, key string, n int64) (admitted int64, result Result, err error) {
	if err := checkAtMost(n); err != nil {
		return 0, Result{}, err
	}
	n = min(n, l.rule.Capacity())
	now, err := l.caller.Now()
	if err != nil {
		return 0, Result{}, err
	}
	reply, err := l.caller.Call(ctx, l.algorithm.Most, key, l.rule.MostArgs(n, now))
	if err != nil {
		return 0, Result{}, err
	}
	admitted, standing, sensible := l.rule.Most(n, reply)
	if !sensible {
		return 0, Result{}, l.nonsense(l.algorithm.Most, reply, n)
	}
	return admitted, resultOf(l.rule, standing), nil
}

// AllowAtMost asks for as many of n events as fit, and returns how many were admitted: see [Remote.AllowAtMost].
func (l *Local) AllowAtMost(ctx context.Context, key string, n int64) (admitted int64, result Result, err error) {
	if err := checkAtMost(n); err != nil {
		return 0, Result{}, err
	}
	if err := ended(ctx); err != nil {
		return 0, Result{}, err
	}
	admitted, standing, err := l.store.Most(l.rule, key, l.now, n)
	if err != nil {
		return 0, Result{}, err
	}
	return admitted, resultOf(l.rule, standing), nil
}

// Reserve asks for n events at once, all or nothing, and lets their charge be settled later. A settlement that changes the
// charge is one more script.
func (l *Remote) Reserve(ctx context.Context, key string, n int64) (*Reservation, error) {
	if err := checkCost(n, l.rule.Capacity()); err != nil {
		return nil, err
	}
	reply, err := l.callGiven(ctx, l.algorithm.Reserve, key, func(now string) []string { return l.rule.ReserveArgs(n, now) })
	if err != nil {
		return nil, err
	}
	standing, charge, sensible := l.rule.Reserved(n, reply)
	if !sensible {
		return nil, l.nonsense(l.algorithm.Reserve, reply, n)
	}
	return NewReservation(resultOf(l.rule, standing), n, func(ctx context.Context, used int64) error {
		return l.settle(ctx, key, charge, used)
	}), nil
}

func (l *Remote) settle(ctx context.Context, key string, charge rule.Charge, used int64) error {
	if err := checkUsed(l.rule, charge.N, used); err != nil {
		return err
	}
	reply, err := l.callGiven(ctx, l.algorithm.Settle, key, func(now string) []string { return l.rule.SettleArgs(charge, used, now) })
	if err != nil {
		return err
	}
	if reply[0] != 0 && reply[0] != 1 {
		return l.nonsense(l.algorithm.Settle, reply, used)
	}
	return nil
}

// callGiven calls a script with the key. If the algorithm keeps a count of returned charges, the script gets the key of that count
// too.
func (l *Remote) callGiven(ctx context.Context, script *scripts.Script, key string, args func(now string) []string) ([]int64, error) {
	now, err := l.caller.Now()
	if err != nil {
		return nil, err
	}
	if l.algorithm.CountsGiven {
		return l.caller.CallGiven(ctx, script, key, args(now))
	}
	return l.caller.Call(ctx, script, key, args(now))
}

// Reserve asks for n events at once, all or nothing, and lets their charge be settled later: see [Remote.Reserve].
func (l *Local) Reserve(ctx context.Context, key string, n int64) (*Reservation, error) {
	if err := checkCost(n, l.rule.Capacity()); err != nil {
		return nil, err
	}
	if err := ended(ctx); err != nil {
		return nil, err
	}
	standing, charge, err := l.store.Reserve(l.rule, key, l.now, n)
	if err != nil {
		return nil, err
	}
	return NewReservation(resultOf(l.rule, standing), n, func(_ context.Context, used int64) error {
		if err := checkUsed(l.rule, n, used); err != nil {
			return err
		}
		return l.store.Settle(l.rule, key, l.now, charge, used)
	}), nil
}

// nonsense is the error for a reply that is impossible for a correct script.
func (l *Remote) nonsense(script *scripts.Script, reply []int64, n int64) error {
	return fmt.Errorf("%w: script %s replied %v to a cost of %d, which is impossible under %s",
		scripts.ErrReply, script.Name(), reply, n, l.rule.Identity())
}

func checkAtMost(n int64) error {
	if n < 1 {
		return fmt.Errorf("%w: at most %d, want 1 or more", ErrInvalidCost, n)
	}
	return nil
}

// checkUsed returns an error that wraps [ErrInvalidCost] if used exceeds n by more than a settlement can charge.
func checkUsed(r rule.Rule, n, used int64) error {
	if most := r.MostDebt(); used-n > most {
		return fmt.Errorf("%w: %d used of %d reserved, want at most %d more than reserved", ErrInvalidCost, used, n, most)
	}
	return nil
}

package fallback

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
)

var _ algorithms.Reserver = (*Limiter)(nil)

// Reserve asks the limiter that AllowN would ask, with the same errors. The error wraps algorithms.ErrNoReserve if the
// primary or the secondary has no method Reserve.
//
// A Reservation is settled by the limiter that charged it. If that is the primary, the settlement waits for it as long as a
// request does, even while the breaker is open. Its failure is returned, and the charge may stay as it was.
func (l *Limiter) Reserve(ctx context.Context, key string, n int64) (*algorithms.Reservation, error) {
	primary, err := reserver("primary", l.primary)
	if err != nil {
		return nil, err
	}
	secondary, err := reserver("secondary", l.secondary)
	if err != nil {
		return nil, err
	}
	question, asked := l.question(key), &reserving{Limiter: l.primary, reserver: primary}
	question.Limiter, question.Cost = asked, n
	result, failure, err := l.askPrimary(ctx, question)
	if failure != nil {
		reservation, err := secondary.Reserve(ctx, key, n)
		return reservation, l.joined(failure, err, n)
	}
	if err != nil {
		return nil, err
	}
	return algorithms.NewReservation(result, n, func(ctx context.Context, used int64) error {
		question := l.question(key)
		question.Limiter, question.Reset = &settling{Limiter: l.primary, reservation: asked.reservation, used: used}, true
		_, err := l.server.asker.Ask(ctx, question)
		return err
	}), nil
}

func reserver(which string, limiter algorithms.Limiter) (algorithms.Reserver, error) {
	if reserver, ok := limiter.(algorithms.Reserver); ok {
		return reserver, nil
	}
	return nil, fmt.Errorf("%w: the %s is a %T, which has no method Reserve", algorithms.ErrNoReserve, which, limiter)
}

// reserving is a limiter that reserves instead of charging for good. It is for one question.
type reserving struct {
	algorithms.Limiter
	reserver    algorithms.Reserver
	reservation *algorithms.Reservation
}

// AllowN reserves.
func (r *reserving) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	reservation, err := r.reserver.Reserve(ctx, key, n)
	if err != nil {
		return algorithms.Result{}, err
	}
	if reservation == nil {
		return algorithms.Result{}, fmt.Errorf("%w: Reserve of a %T has returned nil", algorithms.ErrNoReserve, r.reserver)
	}
	r.reservation = reservation
	return reservation.Result(), nil
}

// settling is a limiter that settles instead of forgetting a key. It is for one question.
type settling struct {
	algorithms.Limiter
	reservation *algorithms.Reservation
	used        int64
}

// Reset settles.
func (s *settling) Reset(ctx context.Context, _ string) error {
	return s.reservation.Commit(ctx, s.used)
}

package denialcache

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
)

var _ algorithms.Reserver = (*Limiter)(nil)

// Reserve asks the limiter behind, unless a remembered denial answers the request. The error wraps algorithms.ErrNoReserve if
// the limiter behind has no method Reserve.
//
// A settlement that gives something back makes room for requests. So it forgets the key's denial here, including one that
// arrives during the settlement. Other processes notice the room within [MaxAge].
func (c *Limiter) Reserve(ctx context.Context, key string, n int64) (*algorithms.Reservation, error) {
	behind, ok := c.behind.(algorithms.Reserver)
	if !ok {
		return nil, fmt.Errorf("%w: %T has no method Reserve", algorithms.ErrNoReserve, c.behind)
	}
	refusal, asked, refused := c.refuse(ctx, key, n)
	if refused {
		return algorithms.NewReservation(refusal, n, nil), nil // a denial is never settled
	}
	reservation, err := behind.Reserve(ctx, key, n)
	if err != nil || reservation == nil {
		return reservation, err
	}
	result := reservation.Result()
	c.learn(asked, key, n, result, nil)
	return algorithms.NewReservation(result, n, func(ctx context.Context, used int64) error {
		if used < n && len(key) <= longestDenialKey {
			hash := c.denials.hash(key)
			c.denials.beginReset(hash, key)
			defer c.denials.endReset(hash)
		}
		return reservation.Commit(ctx, used)
	}), nil
}

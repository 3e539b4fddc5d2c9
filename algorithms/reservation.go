package algorithms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-weir/weir/scripts"
)

// A Reserver charges a request before its true cost is known, and settles the charge when it is known. [Remote] and [Local]
// are Reservers, and so are limiters around one, such as those of packages denialcache and fallback.
type Reserver interface {
	// Reserve asks for n events at once, all or nothing, as AllowN does. The Reservation that it returns has the
	// answer, and settles the charge if it was admitted. The errors are those of AllowN.
	Reserve(ctx context.Context, key string, n int64) (*Reservation, error)
}

// A Reservation is a charge of a request whose true cost is not known yet. Its Result tells whether the request was
// admitted. Commit or Cancel then settle the charge, once. A Reservation that is never settled stays charged as it is: that
// is what Commit of all of it means, too.
//
// The measure of what a settlement gives back is a limiter that was charged the true cost at the time of the Reserve, and
// every request that was admitted. What is outstanding of a key is never less than with that limiter. It is more only where
// the rest of the charge has passed meanwhile by itself, or the key was forgotten.
//
// The methods are safe for concurrent use. If two settlements race, one of them settles and the other is an error.
type Reservation struct {
	result Result
	n      int64
	settle func(ctx context.Context, used int64) error

	turn    chan struct{} // held by the one that settles
	settled bool
}

// NewReservation returns the Reservation of a request of cost n that a limiter has decided on. It is for limiters and for
// wrappers of limiters. Commit and Cancel call settle once at most, with a used of at least 0 that isn't n, and not at all
// if the result is a denial. An error of settle that wraps [ErrInvalidCost] or [ErrInvalidTime], or a server's error that
// proves that nothing was written, says that nothing was settled: settle may be called again. Any other error counts as the
// settlement.
func NewReservation(result Result, n int64, settle func(ctx context.Context, used int64) error) *Reservation {
	return &Reservation{result: result, n: n, settle: settle, turn: make(chan struct{}, 1)}
}

// Result returns the answer to the Reserve.
func (r *Reservation) Result() Result { return r.result }

// Commit makes used the cost of the request, instead of what was reserved. Less than that gives the rest back. More than
// that charges the rest too, even if it doesn't fit: the key then has a debt, and nothing is admitted until it has passed.
//
// A used below 0, or above what can be computed with, is ErrInvalidCost. That settles nothing, and neither does a context
// that has ended before the call. Commit of exactly what was reserved sends nothing.
//
// A second settlement is [ErrSettled]. After an error of the network the outcome is unknown. It counts as the settlement,
// and is never sent again. After an error by which the server refuses the whole call, such as TRYAGAIN while a slot of a
// cluster moves, READONLY or OOM, nothing was settled, and Commit may be called again. Of a denied Reservation Commit does
// nothing and returns nil.
func (r *Reservation) Commit(ctx context.Context, used int64) error {
	if used < 0 {
		return fmt.Errorf("%w: %d used, want 0 or more", ErrInvalidCost, used)
	}
	if !r.result.Allowed {
		return nil
	}
	select {
	case r.turn <- struct{}{}:
	default: // another settlement is under way
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("weir: nothing was settled: %w", ctx.Err())
		}
	}
	defer func() { <-r.turn }()
	if r.settled {
		return ErrSettled
	}
	if used == r.n {
		r.settled = true
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: nothing was settled: %w", err)
	}
	r.settled = true // also if settle panics, as it may have settled by then
	err := r.settle(ctx, used)
	if errors.Is(err, ErrInvalidCost) || errors.Is(err, ErrInvalidTime) || slices.Contains(nothingWritten, scripts.ErrorCode(err)) {
		r.settled = false
	}
	return err
}

// nothingWritten has the errors by which a server refuses a script before it runs, or its first write. NOPERM isn't one of them,
// as rights may be missing for a later write only.
var nothingWritten = []string{
	"ASK", "BUSY", "CLUSTERDOWN", "CROSSSLOT", "LOADING", "MASTERDOWN", "MISCONF", "MOVED", "NOAUTH", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN",
}

// Cancel gives back all that was reserved. It is Commit with 0 used.
func (r *Reservation) Cancel(ctx context.Context) error { return r.Commit(ctx, 0) }

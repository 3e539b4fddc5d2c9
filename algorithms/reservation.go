package algorithms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-weir/weir/scripts"
)

// A Reserver charges a request before its true cost is known, and corrects the charge when it is known. [Remote] and [Local]
// are Reservers, and so are limiters that wrap one, such as those of packages denialcache and fallback.
type Reserver interface {
	// Reserve asks for n events at once, all or nothing, as AllowN does. The Reservation that it returns has the
	// answer, and settles the charge if it was admitted. The errors are those of AllowN.
	Reserve(ctx context.Context, key string, n int64) (*Reservation, error)
}

// A Reservation is the charge of a request whose true cost is not known yet. Its Result tells whether the request was
// admitted. Commit or Cancel then settle the charge, once: they replace it by the true cost. A Reservation that is never
// settled stays charged in full, as by a Commit of all that was reserved.
//
// The used part of a key's limit is never less than if the true cost had been charged at the time of the Reserve. It is more
// only in the cases that the documentation of the package lists, or if the key was forgotten.
//
// The methods are safe for concurrent use. Of two settlements that race, one settles and the other returns [ErrSettled].
type Reservation struct {
	result Result
	n      int64
	settle func(ctx context.Context, used int64) error

	turn    chan struct{} // full while a settlement is under way
	settled bool
}

// NewReservation returns the Reservation of a request of cost n that a limiter has decided on. It is for implementations of
// limiters and their wrappers. Commit and Cancel call settle at most once, with the used cost, which is at least 0. They
// don't call it if used is n, or if the request was denied. If settle returns an error that wraps [ErrInvalidCost] or
// [ErrInvalidTime], or a server's error which proves that nothing was written, then nothing was settled, and settle may be
// called again. After any other error the Reservation counts as settled.
func NewReservation(result Result, n int64, settle func(ctx context.Context, used int64) error) *Reservation {
	return &Reservation{result: result, n: n, settle: settle, turn: make(chan struct{}, 1)}
}

// Result returns the answer to the Reserve.
func (r *Reservation) Result() Result { return r.result }

// Commit makes used the cost of the request, instead of the reserved cost. If used is less, the rest is given back. If it is
// more, the difference is charged even if it doesn't fit: the key then has a debt, and nothing is admitted until it has
// passed. If used is the reserved cost, Commit sends nothing. If the request was denied, Commit does nothing and returns nil.
//
// The error wraps [ErrInvalidCost] if used is below 0, or too large to compute with. Nothing is settled then, nor if ctx had
// ended before the call. Commit may be called again in these cases. It may also be called again after an error by which the
// server refused the whole call, such as TRYAGAIN (a slot of a cluster is moving), READONLY or OOM.
//
// After a network error the outcome is unknown. The Reservation then counts as settled, and Commit is never sent again. A
// second settlement returns [ErrSettled].
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
	r.settled = true // before the call: settle may panic after it has settled
	err := r.settle(ctx, used)
	if errors.Is(err, ErrInvalidCost) || errors.Is(err, ErrInvalidTime) || slices.Contains(nothingWritten, scripts.ErrorCode(err)) {
		r.settled = false
	}
	return err
}

// nothingWritten has the errors by which a server refuses a script before it runs, or at its first write. NOPERM isn't one of
// them, as the client may lack only the right to a later write.
var nothingWritten = []string{
	"ASK", "BUSY", "CLUSTERDOWN", "CROSSSLOT", "LOADING", "MASTERDOWN", "MISCONF", "MOVED", "NOAUTH", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN",
}

// Cancel gives back all that was reserved. It is Commit with 0 used.
func (r *Reservation) Cancel(ctx context.Context) error { return r.Commit(ctx, 0) }

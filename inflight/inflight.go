package inflight

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// Errors of this package, to be matched with errors.Is. For wrong arguments New and NewLocal return the errors of package
// algorithms.
var (
	// ErrFull is wrapped by the error of Hold, Wait and Do if as many leases as the limiter allows are held already.
	ErrFull = errors.New("weir: all leases are held")

	// ErrNotHeld is wrapped by the error of Renew if the lease is not held: it has ended, it was given back, or the key was
	// reset. The error of [Lease.Err] wraps it too.
	ErrNotHeld = errors.New("weir: lease not held")

	// ErrInvalidID: the id of a lease is empty or has more than 256 bytes. Nothing was sent.
	ErrInvalidID = errors.New("weir: invalid lease id")
)

// A Limiter gives out leases: at most a fixed number of each key are held at any instant. Any string is a key: a user, a
// tenant, a kind of work. [Remote] and [Local] implement it. Most callers need [Do], [Hold] or [Wait] only.
//
// A lease has an id, which its holder chooses: see [NewID]. Acquire, Renew and Release may be called again with the same id
// when the outcome of a call is unknown. The effect is that of one call.
//
// All methods are safe for concurrent use. An error means that the outcome is not known, unless it wraps [ErrNotHeld],
// [ErrInvalidID] or an error of package algorithms.
type Limiter interface {
	// Acquire takes a lease, if one is free. The lease lasts for TTL from now. If a lease of that id is held already, it is not
	// counted again, and lasts for TTL from now too.
	//
	// Allowed tells whether the lease is held. Limit is the most leases that may be held, and Remaining how many are free.
	// RetryAfter is 0 if the lease is held. Otherwise it is the exact time until one is free, if none is given back or renewed
	// before. ResetAfter is the time until the last lease ends.
	Acquire(ctx context.Context, key, id string) (algorithms.Result, error)

	// Renew makes a lease that is held last for TTL from now. It never makes a lease end sooner. The error wraps ErrNotHeld
	// if the lease is not held. Another caller may have taken its place then.
	Renew(ctx context.Context, key, id string) error

	// Release gives a lease back. It returns nil if the lease is not held. If ctx has ended, or ends during the call,
	// Release still does its work, for at most a quarter of a second more.
	Release(ctx context.Context, key, id string) error

	// Peek tells whether a lease is free, and takes none. The fields of the Result are those of Acquire, without a new lease.
	Peek(ctx context.Context, key string) (algorithms.Result, error)

	// Reset ends all leases of the key. Their holders notice by the error of their next Renew.
	Reset(ctx context.Context, key string) error

	// TTL returns how long a lease lasts if it is not renewed.
	TTL() time.Duration
}

// NewID returns a random id that no other lease has.
func NewID() string {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic(err) // crypto/rand promises that it does not fail
	}
	return hex.EncodeToString(random[:])
}

// Bounds of the arguments.
const (
	maxMost = 1 << 20
	minTTL  = time.Millisecond
	maxTTL  = time.Hour // equal to longest in the scripts
	longest = int64(maxTTL / time.Microsecond)
	maxID   = 256
)

// timeToRelease is how long Release may take for a caller whose context has ended.
const timeToRelease = 250 * time.Millisecond

// identity is the part of the server's key after the caller's. It names neither the number nor the time to live, so that
// limiters of different numbers count the same leases.
const identity = "inflight"

// rule is how many leases may be held, and for how long.
type rule struct {
	most int64
	ttl  time.Duration
}

func newRule(most int64, ttl time.Duration) (rule, error) {
	switch {
	case most < 1 || most > maxMost:
		return rule{}, fmt.Errorf("%w: %d leases at most, want 1 to %d", algorithms.ErrInvalidLimit, most, maxMost)
	case ttl < minTTL || ttl > maxTTL:
		return rule{}, fmt.Errorf("%w: a lease of %v, want %v to %v: renew a lease that is needed for longer",
			algorithms.ErrInvalidLimit, ttl, minTTL, maxTTL)
	case ttl%time.Microsecond != 0:
		return rule{}, fmt.Errorf("%w: a lease of %v, want whole microseconds", algorithms.ErrInvalidLimit, ttl)
	}
	return rule{most, ttl}, nil
}

func (r rule) mostText() string { return strconv.FormatInt(r.most, 10) }

func (r rule) ttlText() string { return strconv.FormatInt(r.ttl.Microseconds(), 10) }

// checkID returns an error if no lease can have this id.
func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("%w: %d bytes, want 1 to %d: NewID makes one", ErrInvalidID, len(id), maxID)
	}
	return nil
}

func notHeld(id string) error {
	return fmt.Errorf("%w: %q has ended or was given back", ErrNotHeld, id)
}

// A standing is the state of a key's leases, and the answer to a call. Times are in microseconds.
type standing struct {
	allowed             bool
	held, retry, resets int64
}

// result returns a standing as a Result.
func (r rule) result(s standing) algorithms.Result {
	return algorithms.Result{
		Allowed:    s.allowed,
		Limit:      r.most,
		Remaining:  max(r.most-s.held, 0),
		RetryAfter: time.Duration(s.retry) * time.Microsecond,
		ResetAfter: time.Duration(s.resets) * time.Microsecond,
	}
}

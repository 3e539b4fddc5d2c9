package algorithms

import (
	"context"
	"fmt"
	"time"
)

// A Result is a limiter's answer to one request. Durations are whole microseconds.
type Result struct {
	// Allowed says whether the request was admitted. A denied request has cost nothing.
	Allowed bool

	// Limit is the most that can ever be admitted at once: the largest cost a request can have.
	Limit int64

	// Remaining is how many more events would be admitted now, after this request.
	Remaining int64

	// RetryAfter is 0 when the request was allowed; else the exact wait after which this same
	// request fits, if nobody else comes between: one microsecond sooner it would be denied again.
	RetryAfter time.Duration

	// ResetAfter is how long it takes until the key is as good as new, if nothing more is
	// admitted: 0 for a key that is.
	ResetAfter time.Duration
}

// A Limiter admits or denies requests, each counted against a key: a user, an address, a tenant.
// Any string is a key: empty, binary, of any length that the server takes.
//
// All methods are safe for concurrent use. An error means that no decision was made; what to do
// then (let pass, refuse, decide by a Local) is the caller's choice. After an error from the
// network the request may have been charged, never more than once.
type Limiter interface {
	// Allow asks for one event: AllowN with n = 1.
	Allow(ctx context.Context, key string) (Result, error)

	// AllowN asks for n events at once, all or nothing. n below 1 is ErrInvalidCost, n above
	// Result.Limit is ErrCostExceedsLimit; neither reaches the server.
	AllowN(ctx context.Context, key string, n int64) (Result, error)

	// Peek returns what Allow would return at this moment, field for field, and writes nothing:
	// where it is allowed, Remaining and ResetAfter are those after that request.
	Peek(ctx context.Context, key string) (Result, error)

	// Reset forgets the key: the next request finds it as good as new.
	Reset(ctx context.Context, key string) error
}

// CheckCost returns nil for a cost of 1 to capacity, else an error that wraps [ErrInvalidCost] or
// [ErrCostExceedsLimit]. Implementations of [Limiter] call it before anything else.
func CheckCost(n, capacity int64) error {
	if n < 1 {
		return fmt.Errorf("%w: %d, want 1 to %d", ErrInvalidCost, n, capacity)
	}
	if n > capacity {
		return fmt.Errorf("%w: %d, want 1 to %d", ErrCostExceedsLimit, n, capacity)
	}
	return nil
}

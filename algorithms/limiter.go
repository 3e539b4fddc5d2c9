package algorithms

import (
	"context"
	"time"
)

// A Result is a limiter's answer to one request. Durations are whole microseconds.
type Result struct {
	// Allowed tells whether the request was admitted. A denied request has cost nothing.
	Allowed bool

	// Limit is the most that can ever be admitted at once: the largest cost that a request can have.
	Limit int64

	// Remaining is how many more events would be admitted now, after this request. A Peek is no
	// request: it tells how many would be admitted now.
	Remaining int64

	// RetryAfter is 0 if the request was admitted. Else it is the exact wait after which the same
	// request is admitted, if no other request of the key is admitted before. One microsecond
	// sooner it is denied again.
	RetryAfter time.Duration

	// ResetAfter is how long it takes until the key is as good as new, if nothing more is
	// admitted. It is 0 for a key that is as good as new.
	ResetAfter time.Duration
}

// A Limiter admits or denies requests, each counted against a key: a user, an address, a tenant.
// Any string is a key: empty, binary, or very long.
//
// [Remote] and [Local] have two methods more: AllowAtMost, and Reserve of a [Reserver]. The documentation of this package says
// which to call.
//
// All methods are safe for concurrent use. An error means that no decision is known; what to do then
// (let the request pass, refuse it, ask a [Local]) is the caller's choice. After an error of the
// network the request may have been charged, once at most.
type Limiter interface {
	// Allow asks for one event: AllowN with n = 1.
	Allow(ctx context.Context, key string) (Result, error)

	// AllowN asks for n events at once, all or nothing. An n below 1 is ErrInvalidCost, and an n
	// above Result.Limit is ErrCostExceedsLimit. Neither reaches the server.
	AllowN(ctx context.Context, key string, n int64) (Result, error)

	// Peek is PeekN with n = 1.
	Peek(ctx context.Context, key string) (Result, error)

	// PeekN tells whether n events would be admitted now, and charges nothing. Allowed and RetryAfter are for n events.
	// Remaining and ResetAfter are the key's present standing: a new key of 10/second has a Remaining of 10 and a
	// ResetAfter of 0. The errors are those of AllowN.
	PeekN(ctx context.Context, key string, n int64) (Result, error)

	// Reset forgets the key under this limit: the next request finds it as good as new.
	Reset(ctx context.Context, key string) error
}

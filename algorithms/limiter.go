package algorithms

import (
	"context"
	"time"
)

// A Result is a limiter's answer to one request. Durations are whole microseconds.
type Result struct {
	// Allowed tells whether the request was admitted. A denied request costs nothing.
	Allowed bool

	// Limit is the most that can ever be admitted at once: the largest cost that a request can have.
	Limit int64

	// Remaining is how many more events would be admitted now, after this request. A Peek charges
	// nothing: its Remaining is how many events would be admitted now.
	Remaining int64

	// RetryAfter is 0 if the request was admitted. Otherwise it is the exact wait after which the same
	// request is admitted, if no other request of the key is admitted before. One microsecond
	// sooner it is denied again.
	RetryAfter time.Duration

	// ResetAfter is how long it takes, if nothing more is admitted, until the key is as good as new:
	// no part of its limit is used up any more. It is 0 for a key that is as good as new.
	ResetAfter time.Duration
}

// A Limiter admits or denies requests, each counted against a key: a user, an address, a tenant.
// Any string is a key: empty, binary, or very long.
//
// [Remote] and [Local] have two more methods, AllowAtMost and Reserve. The documentation of this package says which method to
// call.
//
// All methods are safe for concurrent use. An error means that no decision is known. The caller chooses what to do then: let
// the request pass, refuse it, or ask a [Local]. After a network error the request may have been charged, but at most once.
type Limiter interface {
	// Allow asks for one event: AllowN with n = 1.
	Allow(ctx context.Context, key string) (Result, error)

	// AllowN asks for n events at once, all or nothing. The error wraps ErrInvalidCost for an n below 1, and
	// ErrCostExceedsLimit for an n above Result.Limit. Neither reaches the server.
	AllowN(ctx context.Context, key string, n int64) (Result, error)

	// Peek is PeekN with n = 1.
	Peek(ctx context.Context, key string) (Result, error)

	// PeekN tells whether n events would be admitted now, and charges nothing. Allowed and RetryAfter are for n events.
	// Remaining and ResetAfter are those of the key as it is: a new key of 10/second has a Remaining of 10 and a
	// ResetAfter of 0. The errors are those of AllowN.
	PeekN(ctx context.Context, key string, n int64) (Result, error)

	// Reset forgets the key under this limit: the next request finds it as good as new.
	Reset(ctx context.Context, key string) error
}

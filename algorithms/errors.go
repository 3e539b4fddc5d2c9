package algorithms

import (
	"errors"

	"github.com/go-weir/weir/internal/sentinel"
)

// Errors of calls that can't succeed with their arguments. Returned errors wrap one of these, so that errors.Is finds it, and
// say what was wrong and what would be right. A call that fails with one of them has sent nothing to the server and charged
// nothing.
var (
	// ErrInvalidLimit: the limit's Rate, Period or Burst is out of range, its text can't be parsed, or
	// the algorithm doesn't take it: fixedwindow and slidinglog take no limit that has a Burst.
	ErrInvalidLimit = errors.New("weir: invalid limit")

	// ErrInvalidCost: the cost of a request is below 1.
	ErrInvalidCost = errors.New("weir: invalid cost")

	// ErrCostExceedsLimit: the cost is above what the limit can ever admit at once. No wait makes
	// such a request fit.
	ErrCostExceedsLimit = errors.New("weir: cost exceeds limit")

	// ErrInvalidOption: an option is nil, or its value can't be used.
	ErrInvalidOption = sentinel.ErrInvalidOption

	// ErrNilRunner: a limiter on a server was to be made without a Runner.
	ErrNilRunner = sentinel.ErrNilRunner

	// ErrNilLimiter: a limiter or a middleware was to be made around a limiter that is nil.
	ErrNilLimiter = errors.New("weir: nil limiter")

	// ErrInvalidTime: the clock given by WithClock shows a time that can't be computed with
	// exactly: before 1970 or after 2112.
	ErrInvalidTime = sentinel.ErrInvalidTime

	// ErrNoLocal: a limiter has no equivalent that decides in this process.
	ErrNoLocal = errors.New("weir: limiter has no Local")

	// ErrSettled: a Reservation was settled before.
	ErrSettled = errors.New("weir: already settled")

	// ErrNoReserve: a limiter, or the one that it wraps, is not a [Reserver].
	ErrNoReserve = errors.New("weir: limiter can't reserve")
)

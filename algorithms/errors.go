package algorithms

import "errors"

// Errors of a call that could never succeed as it stands. The errors returned wrap one of these,
// to be matched with errors.Is, and say what was wrong and what would be right. A call that fails
// with one of them has not reached the server, and nothing was charged.
var (
	// ErrInvalidLimit: the limit's rate, period or burst is out of range, or its text is no limit.
	ErrInvalidLimit = errors.New("weir: invalid limit")

	// ErrInvalidCost: the cost of a request is below 1.
	ErrInvalidCost = errors.New("weir: invalid cost")

	// ErrCostExceedsLimit: the cost is above what the limit can ever admit at once, so that no
	// wait would make the request fit.
	ErrCostExceedsLimit = errors.New("weir: cost exceeds limit")

	// ErrInvalidOption: an option's value can't be used, or the algorithm has no such option.
	ErrInvalidOption = errors.New("weir: invalid option")

	// ErrNilRunner: a limiter over Redis was to be made without a Runner.
	ErrNilRunner = errors.New("weir: nil runner")

	// ErrNilLimiter: a limiter around another was to be made without that one.
	ErrNilLimiter = errors.New("weir: nil limiter")

	// ErrInvalidTime: the clock given by WithClock shows a time that can't be computed with
	// exactly: before 1970 or after 2112.
	ErrInvalidTime = errors.New("weir: invalid time")
)

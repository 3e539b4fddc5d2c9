package emission

import (
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Bucket is a limit as gcra and the leaky bucket's meter see it: n events take n·T, and at most
// Burst·T may be outstanding. It holds what scripts/gcra.lua is sent and what its reply means.
type Bucket struct {
	Interval
	burst int64
	Depth Span // Burst·T
}

// NewBucket returns the bucket of a valid limit.
func NewBucket(limit algorithms.Limit) Bucket {
	t, burst := Of(limit), limit.BurstOrRate()
	return Bucket{t, burst, t.Times(burst)}
}

// Capacity returns the largest cost, the burst.
func (b Bucket) Capacity() int64 { return b.burst }

// Admit returns what is outstanding with n events more, and whether that fits the bucket.
func (b Bucket) Admit(outstanding Span, n int64) (after Span, fits bool) {
	after = b.Plus(outstanding, b.Times(n))
	return after, after.AtMost(b.Depth)
}

// Args returns what scripts/gcra.lua is told of a request of cost n at now, which is empty for the
// server's clock.
func (b Bucket) Args(n int64, now string) []string {
	cost := b.Times(n)
	args := make([]string, 0, 6)
	args = append(args, strconv.FormatInt(cost.Us, 10), strconv.FormatInt(b.Depth.Us, 10))
	if b.den > 1 {
		return append(args, now, strconv.FormatInt(cost.Part, 10), strconv.FormatInt(b.Depth.Part, 10), strconv.FormatInt(b.den, 10))
	}
	if now != "" {
		args = append(args, now)
	}
	return args
}

// Result says what the reply of scripts/gcra.lua to a request of cost n means.
func (b Bucket) Result(n int64, reply []int64) algorithms.Result {
	allowed, ahead := Standing(reply)
	return b.Decided(n, allowed, ahead)
}

// Decided says in a Result what was decided on a request of cost n, with ahead outstanding after it.
func (b Bucket) Decided(n int64, allowed bool, ahead Span) algorithms.Result {
	var retryAfter time.Duration
	if !allowed {
		after, _ := b.Admit(ahead, n)
		retryAfter = b.Minus(after, b.Depth).RoundUp()
	}
	return algorithms.Result{
		Allowed:    allowed,
		Limit:      b.burst,
		Remaining:  b.Fit(b.Minus(b.Depth, ahead)),
		RetryAfter: retryAfter,
		ResetAfter: ahead.RoundUp(),
	}
}

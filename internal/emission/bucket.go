package emission

import (
	"strconv"

	"github.com/go-weir/weir/internal/rule"
)

// A Bucket is a limit as gcra and the leaky bucket's meter use it: n events take n·T, and at most Burst·T may be outstanding.
// Outstanding is the time that admitted events still take. A Bucket makes the arguments of scripts/gcra.lua and reads its reply.
type Bucket struct {
	Interval
	identity string
	burst    int64
	Depth    Span // Burst·T: the most that may be outstanding
}

// NewBucket returns the bucket of a limit under the algorithm of that name.
func NewBucket(name string, limit rule.Limit) Bucket {
	t, burst := Of(limit), limit.Burst
	if burst == 0 {
		burst = limit.Rate
	}
	return Bucket{t, name + ":" + rule.RateText(limit), burst, t.Times(burst)}
}

// Identity implements rule.Rule.
func (b Bucket) Identity() string { return b.identity }

// Capacity returns the largest cost, the burst.
func (b Bucket) Capacity() int64 { return b.burst }

// Admit returns the outstanding time after n more events, and whether that fits the bucket.
func (b Bucket) Admit(outstanding Span, n int64) (after Span, fits bool) {
	after = b.Plus(outstanding, b.Times(n))
	return after, after.AtMost(b.Depth)
}

// Args returns the arguments of scripts/gcra.lua for a request of cost n at now, which is empty for the
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

// Standing reads the reply of scripts/gcra.lua to a request of cost n. It returns false if no correct script replies so.
func (b Bucket) Standing(n int64, reply []int64) (rule.Standing, bool) {
	allowed, ahead := Standing(reply)
	return b.standing(n, allowed, ahead)
}

// standing is Decided with a check. Only a debt can be deeper than the bucket, and then nothing is admitted.
func (b Bucket) standing(n int64, allowed bool, ahead Span) (rule.Standing, bool) {
	if !b.Holds(ahead) || !ahead.AtMost(b.Depth) && (allowed || ahead.Us > deepest) {
		return rule.Standing{}, false
	}
	s := b.Decided(n, allowed, ahead)
	return s, allowed == (s.RetryAfter == 0)
}

// Decided returns the Standing of a request of cost n after which the time ahead is outstanding.
func (b Bucket) Decided(n int64, allowed bool, ahead Span) rule.Standing {
	var retryAfter int64
	if !allowed {
		after, _ := b.Admit(ahead, n)
		retryAfter = b.Minus(after, b.Depth).RoundUp()
	}
	return rule.Standing{
		Allowed:    allowed,
		Remaining:  b.Fit(b.Minus(b.Depth, ahead)),
		RetryAfter: retryAfter,
		ResetAfter: ahead.RoundUp(),
	}
}

// A State is a key's theoretical arrival time, at which nothing is outstanding any more: At + Part/den microseconds since the
// Unix epoch. For the leaky bucket it is when the bucket is empty.
type State struct {
	At, Part int64
	settled  *settled // nil if nothing was settled
}

// Decide implements local.Rule.
func (b Bucket) Decide(s *State, now, n int64, commit bool) (rule.Standing, int64) {
	ahead := b.Until(s.At, s.Part, now)
	clamped := !ahead.AtMost(b.Depth) && !s.settled.owed(now)
	if clamped {
		ahead = b.Depth
	}
	after, allowed := b.Admit(ahead, n)
	if !commit {
		return b.Decided(n, allowed, ahead), 0
	}
	if allowed {
		ahead = after
	}
	var until int64
	if allowed || clamped {
		until = s.set(now, ahead)
	}
	return b.Decided(n, allowed, ahead), until
}

// Clamp implements local.Rule.
func (b Bucket) Clamp(s *State, now int64) int64 {
	if b.Until(s.At, s.Part, now).AtMost(b.Depth) || s.settled.owed(now) {
		return 0
	}
	return s.set(now, b.Depth)
}

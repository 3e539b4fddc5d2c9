// Package emission computes exactly with emission intervals, Period/Rate, which need not be a whole number of microseconds:
// seven a second is one each 142857 1/7 µs. A rounded interval would make the rate drift, so intervals stay fractions.
package emission

import (
	"math"
	"math/bits"

	"github.com/go-weir/weir/internal/rule"
)

// An Interval is the emission interval T of a limit, num/den microseconds in lowest terms.
type Interval struct{ num, den int64 }

// Of returns the emission interval of a valid limit.
func Of(limit rule.Limit) Interval {
	num, den := limit.Period, limit.Rate
	for a, b := num, den; ; a, b = b, a%b {
		if b == 0 {
			return Interval{num / a, den / a}
		}
	}
}

// A Span is a length of time of Us + Part/den microseconds, where den is that of its Interval, and
// 0 <= Part < den. It is never negative.
type Span struct{ Us, Part int64 }

// Den returns the denominator of Span.Part.
func (t Interval) Den() int64 { return t.den }

// Times returns n·T, for an n of at least 0 and a product below 2^53 µs. That includes n = Burst + 1 of a valid limit.
func (t Interval) Times(n int64) Span {
	hi, lo := bits.Mul64(uint64(n), uint64(t.num))
	us, part := bits.Div64(hi, lo, uint64(t.den))
	return Span{int64(us), int64(part)}
}

// Fit returns how many whole intervals fit in s, rounded down. For an s that is too long for a script of Weir, it returns a
// wrong number, but doesn't panic.
func (t Interval) Fit(s Span) int64 {
	hi, lo := bits.Mul64(uint64(s.Us), uint64(t.den))
	lo, carry := bits.Add64(lo, uint64(s.Part), 0)
	if hi += carry; hi >= uint64(t.num) {
		return math.MaxInt64
	}
	n, _ := bits.Div64(hi, lo, uint64(t.num))
	return int64(n)
}

// Holds reports whether s is a valid span of t. A span in a server's reply need not be.
func (t Interval) Holds(s Span) bool { return s.Us >= 0 && s.Part >= 0 && s.Part < t.den }

// Plus returns a + b.
func (t Interval) Plus(a, b Span) Span {
	sum := Span{a.Us + b.Us, a.Part + b.Part}
	if sum.Part >= t.den {
		sum.Us, sum.Part = sum.Us+1, sum.Part-t.den
	}
	return sum
}

// Minus returns a − b, or 0 if b is longer.
func (t Interval) Minus(a, b Span) Span {
	if a.AtMost(b) {
		return Span{}
	}
	difference := Span{a.Us - b.Us, a.Part - b.Part}
	if difference.Part < 0 {
		difference.Us, difference.Part = difference.Us-1, difference.Part+t.den
	}
	return difference
}

// Until returns how far the time at + part/den µs is ahead of now.
func (t Interval) Until(at, part, now int64) Span {
	if at < now {
		return Span{}
	}
	return Span{at - now, part}
}

// AtMost reports whether s is no longer than other, a span of the same interval.
func (s Span) AtMost(other Span) bool {
	return s.Us < other.Us || (s.Us == other.Us && s.Part <= other.Part)
}

// RoundUp returns the span as whole microseconds, rounded up.
func (s Span) RoundUp() int64 {
	if s.Part > 0 {
		return s.Us + 1
	}
	return s.Us
}

// Standing reads the reply of scripts/gcra.lua or scripts/queue.lua: whether the request was admitted, and a span. The span
// is negative in the reply if the request was not admitted.
func Standing(reply []int64) (admitted bool, span Span) {
	span.Us = reply[0]
	if admitted = span.Us >= 0; !admitted {
		span.Us = -1 - span.Us
	}
	if len(reply) > 1 {
		span.Part = reply[1]
	}
	return admitted, span
}

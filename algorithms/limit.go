package algorithms

import (
	"fmt"
	"math/bits"
	"time"
)

// Bounds of a limit. Times are computed in whole microseconds, in Lua as floating-point numbers
// that are exact below 2^53. With a span of at most 2^51 µs and a time before 2^52 µs (the year
// 2112), a time plus two spans stays below that.
const (
	maxCount = 1 << 51                      // largest Rate and Burst
	maxSpan  = (1 << 51) * time.Microsecond // longest Period and Burst·Period/Rate: 71 years
)

// A Limit says how much is admitted: Rate events each Period, up to Burst of them at once.
//
// gcra and leakybucket use Burst. fixedwindow and slidinglog admit up to Rate at once by their
// definition, and return an error for a limit that has a Burst.
type Limit struct {
	Rate   int64         // events each Period, 1 to 2^51
	Period time.Duration // a whole number of microseconds, 1 µs to 2^51 µs (71 years)
	Burst  int64         // most events at once, 0 to 2^51; 0 means Rate
}

// Per returns the limit of rate events each period.
func Per(rate int64, period time.Duration) Limit { return Limit{Rate: rate, Period: period} }

// PerSecond returns the limit of rate events a second.
func PerSecond(rate int64) Limit { return Per(rate, time.Second) }

// PerMinute returns the limit of rate events a minute.
func PerMinute(rate int64) Limit { return Per(rate, time.Minute) }

// PerHour returns the limit of rate events an hour.
func PerHour(rate int64) Limit { return Per(rate, time.Hour) }

// PerDay returns the limit of rate events each 24 hours.
func PerDay(rate int64) Limit { return Per(rate, day) }

// WithBurst returns the same limit with another burst: at most n events at once; 0 means Rate.
func (l Limit) WithBurst(n int64) Limit {
	l.Burst = n
	return l
}

// BurstOrRate returns the burst that applies: Burst, or Rate if Burst is 0.
func (l Limit) BurstOrRate() int64 {
	if l.Burst == 0 {
		return l.Rate
	}
	return l.Burst
}

// Share returns the part of the limit that each of n processes may admit by itself while they have no server in common.
// Together they admit Rate events each Period, or a little less if that doesn't divide into whole events and microseconds. A
// share of less than one event each Period becomes one event in a longer Period, of up to 2^51 µs (71 years). The burst is
// divided too, down to 1: more than Burst processes can admit more than Burst events at once together.
//
// The error wraps [ErrInvalidLimit] for a limit that isn't valid, and for an n below 1.
func (l Limit) Share(n int64) (Limit, error) {
	if err := l.Validate(); err != nil {
		return Limit{}, err
	}
	if n < 1 {
		return Limit{}, fmt.Errorf("%w: a share among %d processes, want at least 1", ErrInvalidLimit, n)
	}
	rate, period := max(l.Rate/n, 1), uint64(maxSpan/time.Microsecond)
	hi, lo := bits.Mul64(uint64(l.Period.Microseconds()), uint64(n*rate)) // n·rate is at most Rate, or n
	if hi < uint64(l.Rate) {
		quotient, rest := bits.Div64(hi, lo, uint64(l.Rate))
		if rest > 0 {
			quotient++
		}
		period = min(period, quotient)
	}
	share := Limit{Rate: rate, Period: time.Duration(period) * time.Microsecond}
	if l.Burst > 0 {
		// The period was rounded up: the burst must still be paid back within maxSpan.
		hi, lo := bits.Mul64(uint64(maxSpan/time.Microsecond), uint64(rate))
		most := uint64(maxCount)
		if hi < period {
			most, _ = bits.Div64(hi, lo, period)
		}
		share.Burst = int64(min(most, uint64(max(l.Burst/n, 1))))
	}
	return share, nil
}

// Validate returns nil for a limit that every algorithm can keep exactly, and otherwise an error that wraps
// [ErrInvalidLimit] and names the field, its value and its range. Besides the ranges of the fields,
// the time in which a whole burst is paid back, Burst·Period/Rate, is at most 2^51 µs (71 years).
func (l Limit) Validate() error {
	switch {
	case l.Rate < 1 || l.Rate > maxCount:
		return fmt.Errorf("%w: rate is %d, want 1 to %d", ErrInvalidLimit, l.Rate, int64(maxCount))
	case l.Period < time.Microsecond || l.Period > maxSpan:
		return fmt.Errorf("%w: period is %v, want %v to %v", ErrInvalidLimit, l.Period, time.Microsecond, maxSpan)
	case l.Period%time.Microsecond != 0:
		return fmt.Errorf("%w: period is %v, want whole microseconds", ErrInvalidLimit, l.Period)
	case l.Burst < 0 || l.Burst > maxCount:
		return fmt.Errorf("%w: burst is %d, want 0 (the rate) to %d", ErrInvalidLimit, l.Burst, int64(maxCount))
	case longerThan(l.BurstOrRate(), l.Period, l.Rate, maxSpan):
		return fmt.Errorf("%w: a burst of %d at %d each %v takes over %v to pay back, want a smaller burst or a higher rate",
			ErrInvalidLimit, l.Burst, l.Rate, l.Period, maxSpan)
	}
	return nil
}

// longerThan reports whether n·period/rate is above longest, without overflow.
func longerThan(n int64, period time.Duration, rate int64, longest time.Duration) bool {
	spanHi, spanLo := bits.Mul64(uint64(n), uint64(period))
	mostHi, mostLo := bits.Mul64(uint64(longest), uint64(rate))
	return spanHi > mostHi || (spanHi == mostHi && spanLo > mostLo)
}

package picture

import (
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// A Clock is the time at which an axis of time begins. The zero Clock is for an axis that may begin at any time.
type Clock struct{ Start time.Time }

// intoDay returns the time from midnight to the start of the clock.
func (c Clock) intoDay() time.Duration {
	if c.Start.IsZero() {
		return 0
	}
	hour, minute, second := c.Start.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(c.Start.Nanosecond())
}

// RoundDown returns the latest offset from the start that is not after the given one and is a multiple of every on the clock.
func (c Clock) RoundDown(offset, every time.Duration) time.Duration {
	return offset - (offset+c.intoDay())%every
}

// Label returns the label for an offset from the start, on an axis with a label at each multiple of every. It is the time on
// the clock, such as 15:04, or the date at midnight. For the zero Clock it is the offset, such as 1m30s.
func (c Clock) Label(offset, every time.Duration) string {
	if c.Start.IsZero() {
		return ShortTime(offset)
	}
	at := c.Start.Add(offset)
	switch midnight := at.Truncate(24 * time.Hour); {
	case every >= 24*time.Hour, at.Equal(midnight):
		return at.Format("2 Jan")
	case every%time.Minute == 0:
		return at.Format("15:04")
	case every%time.Second == 0:
		return at.Format("15:04:05")
	case every%time.Millisecond == 0:
		return at.Format("15:04:05.000")
	}
	return at.Format("15:04:05.000000")
}

// TimeTicks are the ticks of an axis that counts seconds, at round times. Their labels are lengths of time such as 0, 500µs
// or 2s, or times such as 15:04 if the axis has a Clock. There is at least one tick. There are at most AtMost, and no more
// than fit on an axis of this Width with labels of the size Small.
type TimeTicks struct {
	AtMost int
	Width  vg.Length // 0 for no limit
	Clock  Clock
}

// Ticks implements plot.Ticker.
func (t TimeTicks) Ticks(first, last float64) []plot.Tick {
	ahead := t.Clock.intoDay()
	for every := range Lengths() {
		const spare = 1e-9 // tolerance for rounding errors
		step := every.Seconds()
		from, to := math.Ceil((first+ahead.Seconds())/step-spare), math.Floor((last+ahead.Seconds())/step+spare)
		if to-from >= float64(t.AtMost) {
			continue
		}
		var ticks []plot.Tick
		widest := vg.Length(0)
		for n := from; n <= to; n++ {
			at := time.Duration(n)*every - ahead
			label := t.Clock.Label(at, every)
			ticks = append(ticks, plot.Tick{Value: at.Seconds(), Label: label})
			widest = max(widest, Style(Small, Ink).Width(label))
		}
		if len(ticks) == 0 {
			return []plot.Tick{{Value: first, Label: t.Clock.Label(time.Duration(first*float64(time.Second)), every)}}
		}
		const apart = 12
		if t.Width == 0 || len(ticks) == 1 || widest+apart < t.Width*vg.Length(step/(last-first)) {
			return ticks
		}
	}
	panic("unreachable: the lengths have no end")
}

// Lengths yields round lengths of time in ascending order, from a microsecond to a day, and then twice the previous length
// without end.
func Lengths() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for unit := time.Microsecond; unit <= time.Second; unit *= 10 {
			for _, n := range []time.Duration{1, 2, 5} {
				if !yield(n * unit) {
					return
				}
			}
		}
		const minute, hour, day = time.Minute, time.Hour, 24 * time.Hour
		for _, length := range []time.Duration{
			10 * time.Second, 20 * time.Second, 30 * time.Second, minute, 2 * minute, 5 * minute, 10 * minute,
			20 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour,
		} {
			if !yield(length) {
				return
			}
		}
		for length := day; yield(length); length *= 2 {
		}
	}
}

// ShortTime formats a time for an axis: 250µs, 20ms, 0.5s, 1m30s, 2h.
func ShortTime(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%gµs", float64(d)/float64(time.Microsecond))
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%gms", float64(d)/float64(time.Millisecond))
	case d < time.Minute:
		return strconv.FormatFloat(float64(d)/float64(time.Second), 'f', -1, 64) + "s"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

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

// TimeTicks are the ticks of an axis that counts seconds, at times that one can count in, each with a
// label such as 0, 500ms or 2s: at most AtMost, and on an axis of a Width as many as their labels, of the
// size Small, have room for. There is at least one.
type TimeTicks struct {
	AtMost int
	Width  vg.Length // 0 for any
}

// Ticks implements plot.Ticker.
func (t TimeTicks) Ticks(first, last float64) []plot.Tick {
	for every := range Lengths() {
		const spare = 1e-9 // of what rounding leaves
		step := every.Seconds()
		from, to := math.Ceil(first/step-spare), math.Floor(last/step+spare)
		if to-from >= float64(t.AtMost) {
			continue
		}
		var ticks []plot.Tick
		widest := vg.Length(0)
		for n := from; n <= to; n++ {
			label := ShortTime(time.Duration(n) * every)
			ticks = append(ticks, plot.Tick{Value: n * step, Label: label})
			widest = max(widest, Style(Small, Ink).Width(label))
		}
		if len(ticks) == 0 {
			return []plot.Tick{{Value: first, Label: ShortTime(time.Duration(first * float64(time.Second)))}}
		}
		const apart = 12
		if t.Width == 0 || len(ticks) == 1 || widest+apart < t.Width*vg.Length(step/(last-first)) {
			return ticks
		}
	}
	panic("unreachable: the lengths have no end")
}

// Lengths yields the lengths of time that one can count in, in ascending order, from a microsecond to
// doublings of a day without end.
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

// ShortTime returns a time as one reads it on an axis: 250µs, 20ms, 0.5s, 1m30s, 2h.
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

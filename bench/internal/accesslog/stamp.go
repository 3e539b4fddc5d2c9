package accesslog

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts are the layouts of times. Package time also accepts a fraction of a second in each.
var layouts = []struct {
	layout string
	zone   bool
}{
	{"02/Jan/2006:15:04:05 -0700", true}, // $time_local of nginx, %t of Apache
	{time.RFC3339, true},
	{"2006-01-02T15:04:05-0700", true},
	{"2006-01-02 15:04:05Z07:00", true},
	{"2006-01-02 15:04:05 -0700", true},
	{"2006-01-02 15:04:05 UTC", true},
	{"2006-01-02T15:04:05", false},
	{"2006-01-02 15:04:05", false},
}

// The range of accepted times. The lower bound distinguishes times from offsets, and the upper bound keeps sums exact.
var (
	earliest = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// A clock parses times. It tries the layout of the previous time first.
type clock struct {
	layout   int
	zoneless bool // whether there were times without a zone
	parts    bool // whether there were fractions of a second
}

// parse returns a time in microseconds since the Unix epoch.
func (c *clock) parse(text string) (us int64, err error) {
	if us, ok := epoch(text); ok {
		return c.checked(text, us)
	}
	for i := range layouts {
		i = (i + c.layout) % len(layouts)
		at, err := time.Parse(layouts[i].layout, text)
		if err != nil {
			continue
		}
		c.layout = i
		us, err := c.checked(text, at.Round(time.Microsecond).UnixMicro())
		c.zoneless = c.zoneless || err == nil && !layouts[i].zone
		return us, err
	}
	return 0, fmt.Errorf("time %s: want such as 2026-11-25T14:00:00Z, 25/Nov/2026:14:00:00 +0000, or s, ms or µs since 1970", shown(text))
}

func (c *clock) checked(text string, us int64) (int64, error) {
	if us < earliest.UnixMicro() || us >= latest.UnixMicro() {
		return 0, fmt.Errorf("time %s: want a year from %d to %d", shown(text), earliest.Year(), latest.Year()-1)
	}
	c.parts = c.parts || us%1_000_000 != 0
	return us, nil
}

// epoch parses a number of seconds, milliseconds, microseconds or nanoseconds since the Unix epoch. It derives the unit from
// the size of the number.
func epoch(text string) (us int64, ok bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	part := 0.0
	if fraction != "" {
		if strings.Trim(fraction, "0123456789") != "" {
			return 0, false
		}
		part, _ = strconv.ParseFloat("0."+fraction, 64)
	}
	switch {
	case n < 1e11:
		return n*1e6 + int64(math.Round(part*1e6)), true
	case n < 1e14:
		return n*1e3 + int64(math.Round(part*1e3)), true
	case n < 1e17:
		return n + int64(math.Round(part)), true
	}
	return n / 1e3, true
}

package algorithms

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// limitForms is what ParseLimit says it accepts.
const limitForms = `want RATE/PERIOD or RATE per PERIOD, and burst N if there is one, such as "5/minute", "100 per 15 minutes", ` +
	`"1000/week", "100/1h30m" or "10/s burst 20"; PERIOD is made of us, ms, s, m, h, d, w or the names of these units`

// units has the names of the units of a period.
var units = map[string]time.Duration{
	"us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond,
	"microsecond": time.Microsecond, "microseconds": time.Microsecond,
	"ms": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": day, "day": day, "days": day,
	"w": week, "week": week, "weeks": week,
}

// ParseLimit reads a limit from text, in upper or lower case: "5/minute", "5 per minute", "60/min", "100/10s",
// "100/15 minutes", "100/1h30m", "1000/week", "10/s burst 20".
//
// The rate and the burst are whole numbers without a sign. The period is a unit, or one or more numbers with a unit
// each: us, ms, s, m, h, d, w, or their names, singular or plural. White space between the parts is ignored.
//
// It reads back what [Limit.String] writes of a valid limit. Its error wraps [ErrInvalidLimit], quotes the text and says
// what is accepted. An empty text is an error, too; see [Limit.UnmarshalText].
func ParseLimit(s string) (Limit, error) {
	limit, err := parseLimit(s)
	if err == nil {
		err = limit.Validate()
	}
	if err != nil {
		return Limit{}, fmt.Errorf("%q: %w", s, err)
	}
	return limit, nil
}

var errLimitForm = fmt.Errorf("%w: %s", ErrInvalidLimit, limitForms)

func parseLimit(s string) (limit Limit, err error) {
	rate, rest, found := strings.Cut(strings.ToLower(s), "/")
	if !found {
		rate, rest, found = strings.Cut(strings.Join(strings.Fields(rate), " "), " per ")
	}
	if !found {
		return Limit{}, errLimitForm
	}
	period, burst, hasBurst := strings.Cut(rest, "burst")
	if limit.Rate, err = parseCount("rate", strings.TrimSpace(rate)); err != nil {
		return Limit{}, err
	}
	if limit.Period, err = parsePeriod(strings.Join(strings.Fields(period), "")); err != nil {
		return Limit{}, err
	}
	if !hasBurst {
		return limit, nil
	}
	if limit.Burst, err = parseCount("burst", strings.TrimSpace(burst)); err == nil && limit.Burst == 0 {
		err = fmt.Errorf("%w: burst is 0, want 1 to %d, or no burst, which means that of the rate", ErrInvalidLimit, int64(maxCount))
	}
	return limit, err
}

// parseCount reads a whole number without a sign. Its error names what the number counts.
func parseCount(what, s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%w: %s is %s, want at most %d", ErrInvalidLimit, what, s, int64(maxCount))
	case err != nil:
		return 0, errLimitForm
	}
	return int64(n), nil
}

// parsePeriod reads a unit, or a sequence of numbers with a unit each.
func parsePeriod(s string) (total time.Duration, err error) {
	if unit, ok := units[s]; ok {
		return unit, nil
	}
	const digits = ".0123456789"
	for rest := s; ; {
		number := rest[:len(rest)-len(strings.TrimLeft(rest, digits))]
		name := rest[len(number):]
		if next := strings.IndexAny(name, digits); next >= 0 {
			name = name[:next]
		}
		rest = rest[len(number)+len(name):]
		unit, ok := units[name]
		if !ok {
			return 0, errLimitForm
		}
		part, err := times(number, unit)
		if errors.Is(err, strconv.ErrSyntax) {
			return 0, errLimitForm
		}
		if total += part; err != nil || total > maxSpan {
			return 0, fmt.Errorf("%w: period is %s, want at most %v", ErrInvalidLimit, s, maxSpan)
		}
		if rest == "" {
			return total, nil
		}
	}
}

// times returns a number of units of time, at most maxSpan. Its error wraps strconv.ErrSyntax or strconv.ErrRange.
func times(number string, unit time.Duration) (time.Duration, error) {
	whole, fraction, fractional := strings.Cut(number, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, err
	}
	if n > int64(maxSpan/unit) {
		return 0, strconv.ErrRange
	}
	d := time.Duration(n) * unit
	if !fractional {
		return d, nil
	}
	if fraction == "" {
		return 0, strconv.ErrSyntax
	}
	for _, digit := range fraction {
		if digit < '0' || digit > '9' {
			return 0, strconv.ErrSyntax
		}
		if unit%10 != 0 { // the digit isn't a whole number of nanoseconds
			return 0, strconv.ErrSyntax
		}
		unit /= 10
		d += time.Duration(digit-'0') * unit
	}
	return d, nil
}

// String returns the limit as text that [ParseLimit] reads back: "5/minute", "100/10s burst 20". The zero Limit is the
// empty text.
func (l Limit) String() string {
	if l == (Limit{}) {
		return ""
	}
	s := strconv.FormatInt(l.Rate, 10) + "/" + periodString(l.Period)
	if l.Burst != 0 {
		s += " burst " + strconv.FormatInt(l.Burst, 10)
	}
	return s
}

func periodString(p time.Duration) string {
	switch p {
	case time.Second:
		return "second"
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case day:
		return "day"
	}
	s := p.String() // such as "1h30m0s", whose zeros at the end are left out
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns String's text, or an error that wraps [ErrInvalidLimit] for a limit that is neither valid nor zero.
// The zero Limit stands for a limit that a configuration doesn't set.
func (l Limit) MarshalText() ([]byte, error) {
	if err := l.Validate(); err != nil && l != (Limit{}) {
		return nil, err
	}
	return []byte(l.String()), nil
}

// UnmarshalText reads what [ParseLimit] reads, so that a Limit can be a flag (flag.TextVar), an environment variable or a
// field of a JSON, YAML or TOML file. An empty text is the zero Limit, which stands for a limit that is not set; no limiter
// takes it. If there is an error, l doesn't change.
func (l *Limit) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*l = Limit{}
		return nil
	}
	limit, err := ParseLimit(string(text))
	if err != nil {
		return err
	}
	*l = limit
	return nil
}

package algorithms

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// limitForms is what ParseLimit says it accepts.
const limitForms = `want RATE/PERIOD or RATE/PERIOD burst N, such as "5/minute", "100/10s", "1000/1h30m" or "10/s burst 20"; ` +
	`PERIOD is s, sec, second, m, min, minute, h, hour, d, day, or a length of time such as 10s, 1h30m, 250ms`

// units are the periods that have a name.
var units = map[string]time.Duration{
	"us": time.Microsecond, "µs": time.Microsecond, "ms": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour,
	"d": day, "day": day,
}

// ParseLimit reads a limit from text: "5/minute", "60/min", "256/m", "1/s", "1000/day", "100/10s",
// "100/1h30m", "10/s burst 20". The rate and the burst are whole numbers without a sign; the period
// is a unit (s, sec, second, m, min, minute, h, hour, d, day, ms, us) or a length of time as
// time.ParseDuration reads it. White space around the parts is passed over.
//
// It reads back what [Limit.String] writes. Its error wraps [ErrInvalidLimit], quotes the text and
// says what is accepted.
func ParseLimit(s string) (Limit, error) {
	limit, ok := parseLimit(s)
	if !ok {
		return Limit{}, fmt.Errorf("%w: %q: %s", ErrInvalidLimit, s, limitForms)
	}
	if err := limit.Validate(); err != nil {
		return Limit{}, fmt.Errorf("%q: %w", s, err)
	}
	return limit, nil
}

func parseLimit(s string) (limit Limit, ok bool) {
	rate, rest, found := strings.Cut(s, "/")
	if !found {
		return Limit{}, false
	}
	fields := strings.Fields(rest)
	switch {
	case len(fields) == 1:
	case len(fields) == 3 && fields[1] == "burst":
		// A burst of 0 in a text is no way to say "the rate", but a slip.
		if limit.Burst, ok = parseCount(fields[2]); !ok || limit.Burst == 0 {
			return Limit{}, false
		}
	default:
		return Limit{}, false
	}
	if limit.Rate, ok = parseCount(strings.TrimSpace(rate)); !ok {
		return Limit{}, false
	}
	limit.Period, ok = parsePeriod(fields[0])
	return limit, ok
}

// parseCount reads a whole number without a sign.
func parseCount(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

func parsePeriod(s string) (time.Duration, bool) {
	if unit, named := units[s]; named {
		return unit, true
	}
	period, err := time.ParseDuration(s)
	return period, err == nil
}

// String returns the limit as text that [ParseLimit] reads back: "5/minute", "100/10s burst 20".
func (l Limit) String() string {
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
	s := p.String() // "1h30m0s": the zeros at the end say nothing
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns String's text, or an error that wraps [ErrInvalidLimit] for a limit that
// ParseLimit would refuse.
func (l Limit) MarshalText() ([]byte, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	return []byte(l.String()), nil
}

// UnmarshalText reads what [ParseLimit] reads, so that a Limit can be a flag (flag.TextVar), an
// environment variable or a field of a JSON, YAML or TOML file. On an error l stays as it was.
func (l *Limit) UnmarshalText(text []byte) error {
	limit, err := ParseLimit(string(text))
	if err != nil {
		return err
	}
	*l = limit
	return nil
}

package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/results"
)

// none stands where there is no number.
const none = "–"

// ratio returns a ratio as the tables show it: 0.052, 0.55, 1.08, 12.3, 140.
func ratio(value float64) string {
	switch {
	case value >= 99.95:
		return whole(value)
	case value >= 9.995:
		return strconv.FormatFloat(value, 'f', 1, 64)
	case value >= 0.0995:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
	return strconv.FormatFloat(value, 'g', 2, 64)
}

// spread returns a ratio with its spread, if it has one: 0.55 (0.52–0.58).
func spread(s results.Spread) string {
	switch s.N {
	case 0:
		return none
	case 1:
		return ratio(s.Median)
	}
	return ratio(s.Median) + " (" + ratio(s.Low) + "–" + ratio(s.High) + ")"
}

// short returns a number with three digits: 0.512, 5.12, 51.2, 512, 5,120.
func short(value float64) string {
	if value == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(value))+1e-9))
	if decimals <= 0 {
		unit := math.Pow10(-decimals)
		return whole(math.Round(value/unit) * unit)
	}
	return strconv.FormatFloat(value, 'f', decimals, 64)
}

// brief returns a number with three digits at most and no 0 at its end: 9, 1.5.
func brief(value float64) string {
	s := short(value)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// whole returns a number without decimals, and with commas: 1,234,567.
func whole(value float64) string {
	digits := strconv.FormatFloat(math.Abs(value), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if value < 0 {
		return "-" + digits
	}
	return digits
}

func count[N int | int64](n N) string { return whole(float64(n)) }

// percent returns a share of 100 as far as it has decimals: 90 %, 0.5 %.
func percent(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) + " %" }

// share returns part of all in percent: 0.12 %.
func share(part, all int64) string {
	if all == 0 || part == 0 {
		return "0"
	}
	return brief(float64(part)/float64(all)*100) + " %"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return count(n) + " " + what + "s"
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// listed returns words as a sentence lists them: a, b and c.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

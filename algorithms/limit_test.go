package algorithms_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
)

func ExampleParseLimit() {
	for _, text := range []string{"5/minute", "100/10s", "10/s burst 20", "5/month"} {
		limit, err := algorithms.ParseLimit(text)
		if err != nil {
			fmt.Println(strings.SplitAfter(err.Error(), ", such as")[0], "…")
			continue
		}
		fmt.Printf("%s: %d each %v, up to %d at once\n", limit, limit.Rate, limit.Period, limit.BurstOrRate())
	}
	// Output:
	// 5/minute: 5 each 1m0s, up to 5 at once
	// 100/10s: 100 each 10s, up to 100 at once
	// 10/second burst 20: 10 each 1s, up to 20 at once
	// "5/month": weir: invalid limit: want RATE/PERIOD or RATE per PERIOD, and burst N if there is one, such as …
}

func ExampleLimit_WithBurst() {
	limit := algorithms.PerSecond(10).WithBurst(20)
	fmt.Println(limit, limit.Validate())
	// Output: 10/second burst 20 <nil>
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]algorithms.Limit{
		"5/minute":            algorithms.PerMinute(5),
		"60/min":              algorithms.PerMinute(60),
		"256/m":               algorithms.PerMinute(256),
		"1/s":                 algorithms.PerSecond(1),
		"1/sec":               algorithms.PerSecond(1),
		"1/second":            algorithms.PerSecond(1),
		"3/h":                 algorithms.PerHour(3),
		"3/hour":              algorithms.PerHour(3),
		"1000/day":            algorithms.PerDay(1000),
		"1000/d":              algorithms.PerDay(1000),
		"100/10s":             algorithms.Per(100, 10*time.Second),
		"100/1h30m":           algorithms.Per(100, 90*time.Minute),
		"7/1.5s":              algorithms.Per(7, 1500*time.Millisecond),
		"7/ms":                algorithms.Per(7, time.Millisecond),
		"7/us":                algorithms.Per(7, time.Microsecond),
		"7/µs":                algorithms.Per(7, time.Microsecond),
		"10/s burst 20":       algorithms.PerSecond(10).WithBurst(20),
		" 10 / s  burst  20 ": algorithms.PerSecond(10).WithBurst(20),
		"2251799813685248/s":  algorithms.PerSecond(1 << 51),

		"5/minutes":                   algorithms.PerMinute(5),
		"5 per minute":                algorithms.PerMinute(5),
		"5 PER  Minute BURST 7":       algorithms.PerMinute(5).WithBurst(7),
		"100/15minutes":               algorithms.Per(100, 15*time.Minute),
		"100 per 15 Minutes burst 20": algorithms.Per(100, 15*time.Minute).WithBurst(20),
		"1000/week":                   algorithms.Per(1000, 7*24*time.Hour),
		"100/7d":                      algorithms.Per(100, 7*24*time.Hour),
		"100/1W2D3H":                  algorithms.Per(100, 219*time.Hour),
		"5/S":                         algorithms.PerSecond(5),
		"5/2 hrs":                     algorithms.Per(5, 2*time.Hour),
		"5/1.5d":                      algorithms.Per(5, 36*time.Hour),
		"5/250Milliseconds":           algorithms.Per(5, 250*time.Millisecond),
		"5/9223372036us":              algorithms.Per(5, 9223372036*time.Microsecond),
	} {
		if got, err := algorithms.ParseLimit(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseLimitRefuses(t *testing.T) {
	for _, text := range []string{
		"", "/", "5", "5/", "/s", "5/month", "5/ss", "5 per", "per s", "5perminute", "5/1.s", "5/.5s", "5/1..5s", "5/1s2", "5/0.0001us", "5/1e9s", "-1/s", "+1/s", "1.5/s", "1e3/s", "0x10/s", "1_000/s", "five/s",
		"9999999999999999999/s", "2251799813685249/s", "0/s", "5/0s", "5/-1s", "5/10", "5/ns", "5/1500ns", "5/1000000h",
		"5/s burst", "5/s burst 0", "5/s burst -1", "5/s burst x", "5/s bursts 3", "5/s burst 3 4", "5/s 3", "5/s/s", "1/day burst 9999999999",
		"５/s", "5/s\x00",
	} {
		limit, err := algorithms.ParseLimit(text)
		if !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%q: %v, error %v, want ErrInvalidLimit", text, limit, err)
			continue
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) || !strings.Contains(err.Error(), "want ") {
			t.Errorf("%q: want an error that quotes the text and says what is accepted, got %v", text, err)
		}
		if limit != (algorithms.Limit{}) {
			t.Errorf("%q: refused, with %+v", text, limit)
		}
	}
}

func TestLimitString(t *testing.T) {
	for limit, want := range map[algorithms.Limit]string{
		algorithms.PerSecond(1):                       "1/second",
		algorithms.PerMinute(5):                       "5/minute",
		algorithms.PerHour(5):                         "5/hour",
		algorithms.PerDay(5):                          "5/day",
		algorithms.Per(100, 10*time.Second):           "100/10s",
		algorithms.Per(100, 90*time.Minute):           "100/1h30m",
		algorithms.Per(100, 48*time.Hour):             "100/48h",
		algorithms.Per(100, 10*time.Minute):           "100/10m",
		algorithms.Per(100, 3*time.Microsecond):       "100/3µs",
		algorithms.PerSecond(10).WithBurst(20):        "10/second burst 20",
		algorithms.Per(1, time.Hour+time.Microsecond): "1/1h0m0.000001s",
		algorithms.Per(1, time.Hour+time.Second):      "1/1h0m1s",
	} {
		if got := limit.String(); got != want {
			t.Errorf("%+v: %q, want %q", limit, got, want)
		}
	}
}

func TestLimitValidate(t *testing.T) {
	const most = 1 << 51
	for _, limit := range []algorithms.Limit{
		{Rate: 1, Period: time.Microsecond},
		{Rate: most, Period: time.Microsecond, Burst: most},
		{Rate: 1, Period: most * time.Microsecond},
		{Rate: most, Period: most * time.Microsecond},
		{Rate: 2, Period: most * time.Microsecond, Burst: 2},
	} {
		if err := limit.Validate(); err != nil {
			t.Errorf("%+v: %v, want it valid", limit, err)
		}
	}
	for wrong, says := range map[algorithms.Limit]string{
		{}:                                                   "rate is 0, want 1 to 2251799813685248",
		{Rate: -1, Period: time.Second}:                      "rate is -1, want 1 to",
		{Rate: most + 1, Period: 1}:                          "rate is 2251799813685249, want 1 to",
		{Rate: 1}:                                            "period is 0s, want 1µs to",
		{Rate: 1, Period: -time.Second}:                      "period is -1s, want 1µs to",
		{Rate: 1, Period: 999}:                               "period is 999ns, want 1µs to",
		{Rate: 1, Period: 1001}:                              "period is 1.001µs, want whole microseconds",
		{Rate: 1, Period: math.MaxInt64}:                     "period is 2562047h47m16.854775807s, want 1µs to",
		{Rate: 1, Period: time.Second, Burst: -1}:            "burst is -1, want 0 (the rate) to",
		{Rate: 1, Period: time.Second, Burst: most + 1}:      "burst is 2251799813685249, want",
		{Rate: 1, Period: time.Second, Burst: most}:          "takes over",
		{Rate: 2, Period: most * time.Microsecond, Burst: 3}: "takes over",
		{Rate: most - 1, Period: most * time.Microsecond, Burst: most}: "takes over",
	} {
		err := wrong.Validate()
		if !errors.Is(err, algorithms.ErrInvalidLimit) || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want ErrInvalidLimit that says %q", wrong, err, says)
		}
		if text, err := wrong.MarshalText(); !errors.Is(err, algorithms.ErrInvalidLimit) && wrong != (algorithms.Limit{}) {
			t.Errorf("%+v: marshalled as %q, %v", wrong, text, err)
		}
	}
}

// limits draws valid limits.
func limits() *rapid.Generator[algorithms.Limit] {
	return rapid.Custom(func(t *rapid.T) algorithms.Limit {
		return algorithms.Limit{
			Rate:   rapid.Int64Range(1, 1<<51).Draw(t, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 1<<51).Draw(t, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 1<<51).Draw(t, "burst"),
		}
	}).Filter(func(l algorithms.Limit) bool { return l.Validate() == nil })
}

func TestLimitTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := limits().Draw(t, "limit")
		read, err := algorithms.ParseLimit(limit.String())
		if err != nil || read != limit {
			t.Fatalf("%+v is written %q and read %+v, %v", limit, limit, read, err)
		}
	})
}

// TestParseLimitSays: the error of a number or a period that is too large, and of a burst of 0, says so.
func TestParseLimitSays(t *testing.T) {
	for text, says := range map[string]string{
		"9999999999999999999999/s":         "rate is 9999999999999999999999, want at most 2251799813685248",
		"9223372036854775808/s":            "rate is 9223372036854775808, want at most",
		"5/s burst 9999999999999999999999": "burst is 9999999999999999999999, want at most",
		"5/s burst 0":                      "burst is 0, want 1 to",
		"5/9999999999999999999999h":        "period is 9999999999999999999999h, want at most 625499h",
		"5/10000 weeks":                    "period is 10000weeks, want at most",
		"5/3000w3000w":                     "period is 3000w3000w, want at most",
		"5/0s":                             "period is 0s, want 1µs to",
		"5/month":                          "want RATE/PERIOD",
	} {
		if _, err := algorithms.ParseLimit(text); !errors.Is(err, algorithms.ErrInvalidLimit) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want ErrInvalidLimit that says %q", text, err, says)
		}
	}
}

// TestLimitNotSet: a limit that is not set is written to a configuration as the empty text, and read back from it.
func TestLimitNotSet(t *testing.T) {
	config := struct{ Limit algorithms.Limit }{}
	text, err := json.Marshal(config)
	if err != nil || string(text) != `{"Limit":""}` {
		t.Errorf("to JSON %s, %v", text, err)
	}
	config.Limit = algorithms.PerSecond(1)
	if err := json.Unmarshal(text, &config); err != nil || config.Limit != (algorithms.Limit{}) {
		t.Errorf("from JSON %+v, %v", config.Limit, err)
	}
}

func TestLimitInConfiguration(t *testing.T) {
	var config struct{ Limit algorithms.Limit }
	if err := json.Unmarshal([]byte(`{"Limit":"5/minute burst 7"}`), &config); err != nil || config.Limit != algorithms.PerMinute(5).WithBurst(7) {
		t.Errorf("from JSON %+v, %v", config, err)
	}
	if text, err := json.Marshal(config); err != nil || string(text) != `{"Limit":"5/minute burst 7"}` {
		t.Errorf("to JSON %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"Limit":"5/month"}`), &config); !errors.Is(err, algorithms.ErrInvalidLimit) || config.Limit.Rate != 5 || config.Limit.Burst != 7 {
		t.Errorf("a wrong limit from JSON: %v, and the field is then %v", err, config.Limit)
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	var limit algorithms.Limit
	flags.TextVar(&limit, "limit", algorithms.PerSecond(1), "")
	if err := flags.Parse([]string{"-limit", "9/h"}); err != nil || limit != algorithms.PerHour(9) {
		t.Errorf("from a flag %v, %v", limit, err)
	}
}

// FuzzParseLimit: ParseLimit returns a valid limit, which it also reads back from its text,
// or a typed error.
func FuzzParseLimit(f *testing.F) {
	for _, seed := range []string{"5/minute", "100/1h30m burst 7", "9999999999999999999/s", "1/µs", "-1/s", "5/", "\xff/s", "1/1e9h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		limit, err := algorithms.ParseLimit(text)
		if err != nil {
			if !errors.Is(err, algorithms.ErrInvalidLimit) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if err := limit.Validate(); err != nil {
			t.Fatalf("%q is read as %+v: %v", text, limit, err)
		}
		if again, err := algorithms.ParseLimit(limit.String()); err != nil || again != limit {
			t.Fatalf("%q is read as %+v, then as %+v, %v", text, limit, again, err)
		}
	})
}

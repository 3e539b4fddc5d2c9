package rule_test

import (
	"testing"

	"github.com/go-weir/weir/internal/rule"
)

func TestPeriodText(t *testing.T) {
	for us, want := range map[int64]string{
		1: "1us", 999: "999us", 1000: "1ms", 1500: "1500us", 1_000_000: "1s", 90_000_000: "90s", 60_000_000: "1m",
		5_400_000_000: "90m", 3_600_000_000: "1h", 86_400_000_000: "1d", 7 * 86_400_000_000: "7d", 1 << 51: "2251799813685248us",
	} {
		if got := rule.PeriodText(us); got != want {
			t.Errorf("%d µs: %s, want %s", us, got, want)
		}
	}
}

func TestRateText(t *testing.T) {
	for want, limit := range map[string]rule.Limit{
		"10/1s":    {Rate: 10, Period: 1_000_000},
		"10/1s/20": {Rate: 10, Period: 1_000_000, Burst: 20},
		"5/1500us": {Rate: 5, Period: 1500, Burst: 5},
		"1/1d":     {Rate: 1, Period: 86_400_000_000, Burst: 1},
	} {
		if got := rule.RateText(limit); got != want {
			t.Errorf("%+v: %s, want %s", limit, got, want)
		}
	}
}

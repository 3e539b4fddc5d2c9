package scripts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// TestLargeCounts: a log whose counts need all of their six bytes counts exactly.
func TestLargeCounts(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	const rate, second = 1 << 46, 1_000_000
	for i, c := range []struct {
		us, cost, used int64
	}{
		{0, 1<<45 + 1<<41 + 1<<33 + 5, 1<<45 + 1<<41 + 1<<33 + 5},
		{second / 2, 1<<42 + 3, 1<<45 + 1<<41 + 1<<33 + 5 + 1<<42 + 3},
		{second, 1 << 34, 1<<42 + 3 + 1<<34},       // the first has expired
		{3 * second / 2, 7, 1<<34 + 7},             // and the second
		{2*second - 1, 1 << 45, 1<<45 + 1<<34 + 7}, // the third is still there
	} {
		args := []string{fmt.Sprint(c.cost), fmt.Sprint(int64(rate)), fmt.Sprint(second), at(c.us)}
		reply, err := conn.Run(context.Background(), scripts.SlidingLog, []string{"k"}, args)
		if err != nil || !slices.Equal(reply, []int64{c.used}) {
			t.Errorf("call %d: %v, %v, want %d", i+1, reply, err, c.used)
		}
	}
}

// TestTrimsInParts: if very many entries have expired, a decision removes 65,536 of them, provided that the count of the
// others fits in three bytes. Its answer is right in any case.
func TestTrimsInParts(t *testing.T) {
	const entries, minute, most, rate = 70_000, 60_000_000, 65_536, 1<<23 - 1
	for _, c := range []struct {
		admitted int64 // by all entries, one of which has not expired
		inParts  bool
	}{
		{entries + 1, true},
		{rate, true},
		{most + rate - 1, true}, // with the request itself
		{most + rate, false},
	} {
		_, conn := resptest.Miniredis(t)
		push := []string{"RPUSH", "k", bigEndian(now, 7) + bigEndian(0, 6)}
		more := c.admitted - entries - 1 // by two entries after those that are removed
		for i := range int64(entries) {
			count := i + 1
			if i >= most {
				count += more / 2
			}
			if i > most {
				count += more - more/2
			}
			push = append(push, bigEndian(now+i, 6)+bigEndian(count, 3))
		}
		push = append(push, bigEndian(now+minute-1, 6)+bigEndian(c.admitted, 3))
		if _, err := conn.Do(push...); err != nil {
			t.Fatal(err)
		}
		left := int64(1 + 2) // the base, the entry that stays, and one more
		if c.inParts {
			left += entries - most
		}
		for i, length := range []int64{left, 1 + 3} {
			args := []string{"1", fmt.Sprint(rate), fmt.Sprint(minute), at(minute + entries + int64(i))}
			reply, err := conn.Run(context.Background(), scripts.SlidingLog, []string{"k"}, args)
			if err != nil || !slices.Equal(reply, []int64{int64(2 + i)}) {
				t.Errorf("%d admitted, decision %d: %v, %v, want %d", c.admitted, i+1, reply, err, 2+i)
			}
			if got, err := conn.Do("LLEN", "k"); err != nil || got != length {
				t.Errorf("%d admitted, decision %d: %v elements, %v, want %d", c.admitted, i+1, got, err, length)
			}
		}
		// The RetryAfter of a denial tells when the oldest entry in the log expires.
		args := []string{fmt.Sprint(rate - 2), fmt.Sprint(rate), fmt.Sprint(minute), at(minute + entries + 2)}
		reply, err := conn.Run(context.Background(), scripts.SlidingLog, []string{"k"}, args)
		if want := []int64{-1 - 3, minute - entries - 3, minute - 1}; err != nil || !slices.Equal(reply, want) {
			t.Errorf("%d admitted, a denial: %v, %v, want %v", c.admitted, reply, err, want)
		}
		if base, err := conn.Do("LINDEX", "k", "0"); err != nil || !strings.HasSuffix(base.(string), bigEndian(c.admitted-1, 6)) {
			t.Errorf("%d admitted: the base is %q, %v", c.admitted, base, err)
		}
	}
}

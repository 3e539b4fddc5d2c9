package conformance_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// BenchmarkLogCost measures what a decision of a full sliding log costs the server, by rate: a denial, an admission when one
// entry has expired, and the one decision after all but one entry have expired at once. The figure is the time in the script
// that the server reports. The rates take turns, round after round. The result is the shortest time of all rounds, which
// other programs on the machine disturb least.
func BenchmarkLogCost(b *testing.B) {
	const period, rounds, decisions = 100_000_000, 15, 200 // µs
	rates := []int64{100, 10_000, 1_000_000}
	for _, kind := range servers.All() {
		s, err := servers.Run(context.Background(), kind)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		conn := resptest.Dial(b, s.Addr)
		decide := func(rate, at int64) (admitted bool) {
			reply, err := conn.Run(context.Background(), scripts.SlidingLog, []string{fmt.Sprintf("log%d", rate)}, []string{
				"1", strconv.FormatInt(rate, 10), strconv.Itoa(period), strconv.FormatInt(at, 10),
			})
			if err != nil {
				b.Fatal(err)
			}
			return reply[0] >= 0
		}
		at := map[int64]int64{} // when the first remaining entry expires
		for _, rate := range rates {
			drive(b, conn, scripts.SlidingLog, fmt.Sprintf("log%d", rate), rate, period/rate, "1", strconv.FormatInt(rate, 10), strconv.Itoa(period))
			at[rate] = 1795363671000000 + period
		}
		least := map[string]float64{}
		for range rounds {
			for _, want := range []bool{false, true} {
				for _, rate := range rates {
					before := scriptTime(b, conn)
					for range decisions {
						now := at[rate] - 1
						if want {
							now++
							at[rate] += period / rate
						}
						if got := decide(rate, now); got != want {
							b.Fatalf("admitted: %v", got)
						}
					}
					name := fmt.Sprintf("rate=%d/%s", rate, map[bool]string{false: "denied", true: "rolling"}[want])
					if took := (scriptTime(b, conn) - before) / decisions; least[name] == 0 || took < least[name] {
						least[name] = took
					}
				}
			}
		}
		for _, rate := range rates {
			before := scriptTime(b, conn)
			if !decide(rate, at[rate]+(rate-2)*(period/rate)) {
				b.Fatal("denied")
			}
			// This is measured only once, because the log is not full afterwards.
			least[fmt.Sprintf("rate=%d/all-but-one-have-left", rate)] = scriptTime(b, conn) - before
		}
		for _, name := range slices.Sorted(maps.Keys(least)) {
			b.Run(kind.Name+"/"+name, func(b *testing.B) {
				b.ReportMetric(0, "ns/op") // nothing is timed here
				b.ReportMetric(least[name], "server-µs/op")
			})
		}
	}
}

var scriptUsec = regexp.MustCompile(`cmdstat_(?:eval|evalsha):calls=\d+,usec=(\d+)`)

// scriptTime returns how many microseconds scripts have taken so far.
func scriptTime(b *testing.B, conn *resptest.Conn) (us float64) {
	b.Helper()
	info, err := conn.Do("INFO", "commandstats")
	if err != nil {
		b.Fatal(err)
	}
	for _, command := range scriptUsec.FindAllStringSubmatch(info.(string), -1) {
		n, err := strconv.ParseFloat(command[1], 64)
		if err != nil {
			b.Fatal(err)
		}
		us += n
	}
	return us
}

package conformance_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// BenchmarkLogCost measures what a decision of a full sliding log costs the server, by rate: an admission as
// one entry leaves, a denial, and the one decision before which all but one entry of the log have left at once. The
// figure is the server's own, of the time in the script.
func BenchmarkLogCost(b *testing.B) {
	const period = 100_000_000 // µs
	for _, kind := range servers.All() {
		b.Run(kind.Name, func(b *testing.B) {
			s, err := servers.Run(context.Background(), kind)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			conn := resptest.Dial(b, s.Addr)
			for _, rate := range []int64{100, 10_000, 1_000_000} {
				key, limit := fmt.Sprintf("log%d", rate), []string{"1", strconv.FormatInt(rate, 10), strconv.Itoa(period)}
				step := period / rate
				drive(b, conn, scripts.SlidingLog, key, rate, step, limit...)
				at := int64(1795363671000000 + period) // when the first of these entries leaves
				decide := func(at int64) (admitted bool) {
					reply, err := conn.Run(context.Background(), scripts.SlidingLog, []string{key}, append(limit[:3:3], strconv.FormatInt(at, 10)))
					if err != nil {
						b.Fatal(err)
					}
					return reply[0] >= 0
				}
				measure := func(name string, want bool, next func() int64) {
					b.Run(fmt.Sprintf("rate=%d/%s", rate, name), func(b *testing.B) {
						before := scriptTime(b, conn)
						for range b.N {
							if got := decide(next()); got != want {
								b.Fatalf("admitted: %v", got)
							}
						}
						b.ReportMetric((scriptTime(b, conn)-before)/float64(b.N), "server-µs/op")
					})
				}
				measure("denied", false, func() int64 { return at - 1 })
				measure("rolling", true, func() int64 { at += step; return at - step })
				before := scriptTime(b, conn)
				if !decide(at + (rate-2)*step) {
					b.Fatal("denied")
				}
				took := scriptTime(b, conn) - before // the log is full but once
				b.Run(fmt.Sprintf("rate=%d/all-but-one-have-left", rate), func(b *testing.B) { b.ReportMetric(took, "server-µs/op") })
			}
		})
	}
}

var scriptUsec = regexp.MustCompile(`cmdstat_(?:eval|evalsha):calls=\d+,usec=(\d+)`)

// scriptTime is how many microseconds scripts have taken so far.
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

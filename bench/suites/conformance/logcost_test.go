package conformance_test

import (
	"context"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// TestLogCost counts the commands that a decision of the sliding log runs on the server. Their number doesn't depend on the
// rate or on the request's cost. It grows at most with the logarithm of the number of expired entries.
func TestLogCost(t *testing.T) {
	const period, step = 1_000_000_000, 100
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			conn := resptest.Dial(t, servers.Start(t, kind).Addr)
			steady := map[string]int{}
			for _, rate := range []int64{100, 100_000} {
				key := fmt.Sprintf("log%d", rate)
				drive(t, conn, scripts.SlidingLog, key, rate, step, "1", strconv.FormatInt(rate, 10), strconv.Itoa(period))
				// decide makes a request so many steps after the first entry expires, and returns the number of commands.
				// Entry i expires i steps after the first.
				decide := func(after, cost int64) (calls int) {
					t.Helper()
					before := commands(t, conn)
					_, err := conn.Run(context.Background(), scripts.SlidingLog, []string{key}, []string{
						strconv.FormatInt(cost, 10), strconv.FormatInt(rate, 10), strconv.Itoa(period),
						strconv.FormatInt(1795363671000000+period+after*step, 10),
					})
					if err != nil {
						t.Fatal(err)
					}
					return commands(t, conn) - before
				}
				for _, c := range []struct {
					name        string
					after, cost int64
				}{
					{"denied", -1, 1},
					{"allowed when one has gone", 0, 1},
					{"denied again", 0, 1},
					{"allowed when the next has gone", 1, 1},
				} {
					calls := decide(c.after, c.cost)
					if rate == 100 {
						steady[c.name] = calls
					}
					if calls != steady[c.name] || calls > 9 {
						t.Errorf("%s, rate %d: %d commands, %d at a rate of 100", c.name, rate, calls, steady[c.name])
					}
				}
				most := 10 + 4*bits.Len64(uint64(rate)) // two searches, each with doubling and then halving steps
				for _, c := range []struct {
					name        string
					after, cost int64
				}{
					{"a large cost, denied", 2, rate / 2},
					{"half has gone, all else asked", rate / 2, rate},
					{"half has gone", rate / 2, 1},
					{"all but a few have gone", rate - 3, rate / 2},
					{"all has gone", 3 * rate * period / step, rate},
				} {
					if calls := decide(c.after, c.cost); calls > most {
						t.Errorf("%s, rate %d: %d commands, want at most %d", c.name, rate, calls, most)
					}
				}
			}
			t.Logf("commands a decision, at any rate: %v", steady)
		})
	}
}

var callCount = regexp.MustCompile(`cmdstat_(\w+):calls=(\d+)`)

// commands returns the number of commands that scripts have run on a server without other clients.
func commands(t *testing.T, conn *resptest.Conn) (calls int) {
	t.Helper()
	info, err := conn.Do("INFO", "commandstats")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range callCount.FindAllStringSubmatch(info.(string), -1) {
		switch command[1] {
		case "info", "eval", "evalsha": // the client's own
		default:
			n, err := strconv.Atoi(command[2])
			if err != nil {
				t.Fatal(err)
			}
			calls += n
		}
	}
	return calls
}

// TestLogPartly: if a hundred thousand entries expire at the same time, several decisions remove them, and each decision is as if all
// had been removed.
func TestLogPartly(t *testing.T) {
	const rate, period, step = 200_000, 200_000_000, 1000 // µs
	eachRealServer(t, func(t *testing.T, addr string) {
		conn, prefix := fresh(t, addr)
		now := time.UnixMicro(1795363671000000)
		clock := algorithms.WithClock(func() time.Time { return now })
		limit := algorithms.Per(rate, period*time.Microsecond)
		local, err := slidinglog.NewLocal(limit, clock)
		if err != nil {
			t.Fatal(err)
		}
		remote, err := slidinglog.New(conn, limit, clock, algorithms.WithPrefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		key := prefix + ":{k}:slidinglog:200s"
		drive(t, conn, scripts.SlidingLog, key, rate, step, "1", strconv.Itoa(rate), strconv.Itoa(period))
		for i := range rate {
			now = time.UnixMicro(1795363671000000 + int64(i)*step)
			if _, err := local.Allow(context.Background(), "k"); err != nil {
				t.Fatal(err)
			}
		}
		random := rand.New(rand.NewPCG(3, 4))
		now = now.Add(period * time.Microsecond).Add(-100 * step * time.Microsecond) // a hundred entries have not expired
		lengths := map[int64]bool{}
		for i := range 40 {
			n := 1 + random.Int64N(rate/2)
			want, err := local.AllowN(context.Background(), "k", n)
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, remote, "k", n); got != want {
				t.Errorf("request %d, of %d: %+v, Local's %+v", i, n, got, want)
			}
			length, err := conn.Do("LLEN", key)
			if err != nil {
				t.Fatal(err)
			}
			lengths[length.(int64)] = true
			// Expired entries that are still stored count again if the clock goes back. Local has forgotten them.
			if i == 0 {
				now = now.Add(-period / 2 * time.Microsecond)
				before, err := remote.Peek(context.Background(), "k")
				if err != nil || before.Remaining >= rate-n-100 {
					t.Errorf("half a period earlier: %+v, %v; want what was admitted then to count", before, err)
				}
				now = now.Add(period / 2 * time.Microsecond)
			}
			now = now.Add(time.Duration(random.Int64N(period/4)) * time.Microsecond)
		}
		if len(lengths) < 4 {
			t.Errorf("the log's lengths were %v: want it to become shorter in parts", lengths)
		}
	})
}

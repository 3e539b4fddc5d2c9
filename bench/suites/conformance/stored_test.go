package conformance_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
)

// TestExpiry waits until every key has expired by itself. It uses real time, because it tests the TTLs.
func TestExpiry(t *testing.T) {
	limit := algorithms.Per(2, 150*time.Millisecond)
	eachRealServer(t, func(t *testing.T, addr string) {
		conn, prefix := fresh(t, addr)
		for _, a := range all {
			l, err := a.Over(conn)(limit, algorithms.WithPrefix(prefix))
			if err != nil {
				t.Fatal(err)
			}
			ask(t, l, "k", 2)
		}
		queue, err := leakybucket.NewQueue(conn, limit, algorithms.WithPrefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := queue.Schedule(context.Background(), "k"); err != nil {
			t.Fatal(err)
		}
		waitForExpiry(t, conn, prefix)
	})
}

// waitForExpiry waits until no key with that prefix is left.
func waitForExpiry(t *testing.T, conn *resptest.Conn, prefix string) {
	t.Helper()
	until(t, "all keys under "+prefix+" have expired", func() bool {
		left, err := conn.Dump(context.Background(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		return len(left) == 0
	})
}

// TestMemory measures the memory of a key on the server with MEMORY USAGE, and compares it with what the packages'
// documentation says.
func TestMemory(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		conn, prefix := fresh(t, addr)
		for _, rate := range []int64{10_000, 1_000_000, 1 << 23} {
			const entries = 10_000
			key := fmt.Sprintf("%s:{%d}:slidinglog:1h", prefix, rate)
			drive(t, conn, scripts.SlidingLog, key, entries, 137, fmt.Sprint(1), fmt.Sprint(rate), "3600000000")
			perEntry := float64(memory(t, conn, key)) / entries
			most := 12.0
			if rate >= 1<<23 {
				most = 15
			}
			t.Logf("slidinglog of %d each hour: %.2f bytes an entry at %d entries", rate, perEntry, entries)
			if perEntry > most {
				t.Errorf("slidinglog of %d each hour: %.2f bytes an entry at %d entries, want at most %v", rate, perEntry, entries, most)
			}
		}
		for _, a := range all {
			if a.name == "slidinglog" {
				continue
			}
			l, err := a.Over(conn)(algorithms.PerMinute(7000), algorithms.WithPrefix("weir"))
			if err != nil {
				t.Fatal(err)
			}
			const user = "user:1234567890" // a typical key of a service
			limit, most := "7000/1m", int64(120)
			if !a.Bursts() {
				limit, most = "1m", 152
			}
			for range 12 { // from the tenth request on, the server stores a window's count in another way
				ask(t, l, user, 1)
			}
			key := "weir:{" + user + "}:" + a.name + ":" + limit
			if bytes := memory(t, conn, key); bytes > most {
				t.Errorf("%s: %d bytes a key, want at most %d", a.name, bytes, most)
			} else {
				t.Logf("%s: %d bytes for the key %s", a.name, bytes, key)
			}
			if err := l.Reset(context.Background(), user); err != nil {
				t.Error(err)
			}
		}
	})
}

func memory(t *testing.T, conn *resptest.Conn, key string) int64 {
	t.Helper()
	bytes, err := conn.Do("MEMORY", "USAGE", key, "SAMPLES", "0")
	if err != nil || bytes == nil {
		t.Fatalf("MEMORY USAGE %s: %v, %v", key, bytes, err)
	}
	return bytes.(int64)
}

// drive makes many decisions, with step µs of simulated time between them, and returns how many were admitted. The script's
// own text is called in a loop on the server.
func drive(t testing.TB, conn *resptest.Conn, s *scripts.Script, key string, decisions, step int64, args ...string) (admitted int64) {
	t.Helper()
	const chunk = 50_000 // decisions of one call, so that no call blocks the server for a second
	loop := "local function decide(KEYS, ARGV)\n" + s.Source() + `
end
local args, admitted = {}, 0
local clock = #ARGV - 2 -- the argument now_us: the one written @, or behind the last
for i = 4, #ARGV do
  args[i - 3] = ARGV[i]
  if ARGV[i] == '@' then
    clock = i - 3
  end
end
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
  args[clock] = string.format('%.0f', 1795363671000000 + i * tonumber(ARGV[3]))
  local reply = decide({KEYS[1]}, args)
  if (type(reply) == 'table' and reply[1] or reply) >= 0 then
    admitted = admitted + 1
  end
end
return admitted`
	for from := int64(0); from < decisions; from += chunk {
		call := append([]string{"EVAL", loop, "1", key, strconv.FormatInt(from, 10), strconv.FormatInt(min(from+chunk, decisions), 10), strconv.FormatInt(step, 10)}, args...)
		n, err := conn.Do(call...)
		if err != nil {
			t.Fatal(err)
		}
		admitted += n.(int64)
	}
	return admitted
}

// atClock returns the arguments of gcra.lua with @ in the place of now_us.
func atClock(args []string) []string {
	return slices.Concat(args[:2], []string{"@"}, args[min(3, len(args)):])
}

// TestNoDrift saturates limits whose emission intervals aren't whole numbers of microseconds. It makes a million decisions
// of the real Lua on one server, and a tenth of that on each other one, because all have the same arithmetic. The number of
// admitted requests is the ideal one.
func TestNoDrift(t *testing.T) {
	first := servers.All()[0]
	eachRealServer(t, func(t *testing.T, addr string) {
		decisions := int64(100_000)
		if addr == servers.Shared(t, first).Addr {
			decisions = 1_000_000
		}
		t.Parallel() // the servers do the work
		conn, prefix := fresh(t, addr)
		for _, run := range []struct {
			limit algorithms.Limit
			step  int64
		}{
			{algorithms.PerSecond(300_000).WithBurst(10), 1},
			{algorithms.PerSecond(7), 1000},
			{algorithms.PerSecond(3), 1000},
			{algorithms.PerDay(999_983).WithBurst(10), 43_200},
		} {
			recorder := &recorder{}
			l, err := gcra.New(recorder, run.limit)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Allow(context.Background(), "k"); err == nil {
				t.Fatal("the recorder answered")
			}
			key := prefix + run.limit.String()
			got := drive(t, conn, recorder.script, key, decisions, run.step, atClock(recorder.args)...)
			ideal := run.limit.BurstOrRate() + (decisions-1)*run.step*run.limit.Rate/run.limit.Period.Microseconds()
			if got < ideal-1 || got > ideal+1 {
				t.Errorf("gcra, %v: %d of %d admitted, want %d ± 1", run.limit, got, decisions, ideal)
			}
			if _, err := conn.Do("DEL", key); err != nil {
				t.Error(err)
			}
		}
		for _, s := range []struct {
			script *scripts.Script
			args   []string
		}{
			{scripts.FixedWindow, []string{"1", "70000", "1000000"}},
			{scripts.SlidingLog, []string{"1", "70000", "1000000"}},
		} {
			key := prefix + s.script.Name()
			// In each period are 100,000 requests, of which 70,000 have room.
			got := drive(t, conn, s.script, key, decisions, 10, s.args...)
			if ideal := decisions / 10 * 7; got != ideal {
				t.Errorf("%s: %d of %d admitted, want %d", s.script.Name(), got, decisions, ideal)
			}
			if _, err := conn.Do("DEL", key); err != nil {
				t.Error(err)
			}
		}
	})
}

// recorder is a runner that records its calls and returns no reply.
type recorder struct {
	script *scripts.Script
	args   []string
}

func (r *recorder) Run(_ context.Context, s *scripts.Script, _, args []string) ([]int64, error) {
	r.script, r.args = s, args
	return nil, os.ErrClosed
}

// TestPeeksAreReadOnly runs the scripts that are documented as read-only as a user without the right to write.
func TestPeeksAreReadOnly(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		conn, prefix := fresh(t, addr)
		reader := resptest.Dial(t, addr)
		for _, command := range [][]string{
			{"ACL", "SETUSER", "reader", "on", ">reader", "~*", "+@all", "-@write"}, {"AUTH", "reader", "reader"},
		} {
			if _, err := reader.Do(command...); err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range []struct {
			decide, peek *scripts.Script
			args         []string
		}{
			{scripts.GCRA, scripts.GCRAPeek, []string{"142857", "1000000", "", "1", "0", "7"}},
			{scripts.FixedWindow, scripts.FixedWindowPeek, []string{"1", "7", "1000000"}},
			{scripts.SlidingLog, scripts.SlidingLogPeek, []string{"1", "7", "1000000", ""}},
		} {
			key := prefix + a.decide.Name()
			if _, err := conn.Run(context.Background(), a.decide, []string{key}, a.args); err != nil {
				t.Fatal(err)
			}
			if reply, err := reader.Do(append([]string{"EVAL", a.peek.Source(), "1", key}, a.args...)...); err != nil {
				t.Errorf("%s read only: %v, %v", a.peek.Name(), reply, err)
			}
			if reply, err := reader.Do(append([]string{"EVAL", a.decide.Source(), "1", key}, a.args...)...); err == nil {
				t.Errorf("%s read only: %v, want it refused", a.decide.Name(), reply)
			}
		}
	})
}

// TestSessions runs the redis-cli sessions that scripts/README.md and docs/operating.md show.
func TestSessions(t *testing.T) {
	for _, page := range []string{"scripts/README.md", "docs/operating.md"} {
		text, err := os.ReadFile("../../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(page, func(t *testing.T) {
			eachRealServer(t, func(t *testing.T, addr string) {
				resptest.Dial(t, addr).Sessions(t, string(text), func(file string) string {
					source, err := os.ReadFile("../../../scripts/" + file)
					if err != nil {
						t.Fatal(err)
					}
					return string(source)
				})
			})
		})
	}
}

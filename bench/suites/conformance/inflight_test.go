package conformance_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/inflight/inflighttest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// TestInflight runs the suite of package inflight over every client and server, with and without package coalesce.
func TestInflight(t *testing.T) {
	eachServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			inflighttest.Run(t, inflightOver(run))
			coalesced, err := coalesce.New(run)
			if err != nil {
				t.Fatal(err)
			}
			t.Run("coalesced", func(t *testing.T) { inflighttest.Run(t, inflightOver(coalesced)) })
		})
	})
}

func inflightOver(run scripts.Runner) inflighttest.Subject {
	return inflighttest.Subject{
		New: func(most int64, ttl time.Duration, opts ...algorithms.Option) (inflight.Limiter, error) {
			return inflight.New(run, most, ttl, opts...)
		},
		With: func(l inflight.Limiter, most int64, ttl time.Duration) (inflight.Limiter, error) {
			return l.(*inflight.Remote).With(most, ttl)
		},
	}
}

// TestInflightCost counts the commands that a call on leases makes on the server. Their number doesn't grow with the number
// of leases. The time of each command is logarithmic in it, as Redis documents ZCOUNT, ZRANGE (of one), ZADD, ZREM and
// ZREMRANGEBYRANK (of 64 at most). If the clock went back, at most 64 leases are written.
func TestInflightCost(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			conn := resptest.Dial(t, servers.Start(t, kind).Addr)
			steady := map[string]int{}
			for _, most := range []int64{100, 100_000} {
				key, ttl, now := fmt.Sprint("leases", most), "10000000", int64(1795363671000000)
				for i := int64(0); i < most; i += 1000 { // in the form in which acquire stores them
					command := []string{"ZADD", key}
					for j := i; j < min(i+1000, most); j++ {
						command = append(command, strconv.FormatInt(now+10_000_000+j, 10), fmt.Sprint("id ", j))
					}
					if _, err := conn.Do(command...); err != nil {
						t.Fatal(err)
					}
				}
				call := func(name string, script *scripts.Script, args ...string) {
					t.Helper()
					before := commands(t, conn)
					if _, err := conn.Run(context.Background(), script, []string{key}, args); err != nil {
						t.Fatal(err)
					}
					calls := commands(t, conn) - before
					if most == 100 {
						steady[name] = calls
					}
					if calls != steady[name] {
						t.Errorf("%s, %d leases: %d commands, %d of 100 leases", name, most, calls, steady[name])
					}
				}
				at := func(after int64) string { return strconv.FormatInt(now+after, 10) }
				n := strconv.FormatInt(most, 10)
				call("refused", scripts.InflightAcquire, "new", n, ttl, at(0))
				call("peek", scripts.InflightPeek, n, at(0))
				call("held", scripts.InflightAcquire, "id 7", n, ttl, at(1))
				call("renew", scripts.InflightRenew, "id 8", ttl, at(2))
				call("release", scripts.InflightRelease, "id 8")
				call("one is free", scripts.InflightAcquire, "new", n, ttl, at(3))
				call("most have ended", scripts.InflightAcquire, "new", n, ttl, at(10_000_000+most-2))
				call("all have ended", scripts.InflightAcquire, "new", n, ttl, at(60_000_000))
				call("not held", scripts.InflightRenew, "none", ttl, at(0))
			}
			for name, calls := range steady {
				if calls > 7 {
					t.Errorf("%s: %d commands", name, calls)
				}
			}
			t.Logf("commands a call, of any number of leases: %v", steady)
		})
	}
}

// TestInflightMemory: a lease takes no more memory on a server than the documentation says.
func TestInflightMemory(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		conn, prefix := fresh(t, addr)
		l, err := inflight.New(conn, 1000, time.Minute, algorithms.WithPrefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if _, err := l.Acquire(t.Context(), "k", inflight.NewID()); err != nil {
				t.Fatal(err)
			}
		}
		bytes, err := conn.Do("MEMORY", "USAGE", prefix+":{k}:inflight", "SAMPLES", "0")
		if err != nil {
			t.Fatal(err)
		}
		each := bytes.(int64) / 1000
		t.Logf("%d bytes for each of 1000 leases", each)
		if each > 140 {
			t.Errorf("%d bytes for each lease", each)
		}
	})
}

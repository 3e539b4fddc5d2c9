package conformance_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/slidinglog"
)

// allOf returns a factory of allof limiters over the limiters of factories. Their counts are separate from other limiters'.
func allOf(factories ...limitertest.Factory) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		var limiters []algorithms.Limiter
		for _, factory := range factories {
			l, err := factory(limit, opts...)
			if err != nil {
				return nil, err
			}
			limiters = append(limiters, l)
		}
		return allof.New(limiters...)
	}
}

// TestAllOf runs the suite over limiters that decide as one: a window with a log, uncoalesced, and a bucket with a meter,
// coalesced. It compares them with the same combinations of Locals.
func TestAllOf(t *testing.T) {
	named := func(name string) algorithmtest.Algorithm {
		return all[slices.IndexFunc(all, func(a algorithm) bool { return a.name == name })].Algorithm
	}
	window, log, bucket, meter := named("fixedwindow"), named("slidinglog"), named("gcra"), named("leakybucket")
	eachRealServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			stored := limitertest.StoredIn(resptest.Dial(t, addr))
			t.Run("plain", func(t *testing.T) {
				against := limitertest.Against(allOf(window.Local, log.Local))
				limitertest.Run(t, allOf(window.Over(run), log.Over(run)), against, stored)
			})
			t.Run("coalesced", func(t *testing.T) {
				run := errtest.Must(coalesce.New(run))
				against := limitertest.Against(allOf(bucket.Local, meter.Local))
				limitertest.Run(t, allOf(bucket.Over(run), meter.Over(run)), against, stored)
			})
		})
	})
}

// testAllOfWithoutMemory makes allof limiters commit in each way on a server that is out of memory. The server checks its
// memory only before the first write of a script, so a script writes either nothing or everything.
func testAllOfWithoutMemory(t *testing.T, own ownServer) {
	limit := algorithms.PerMinute(3)
	histories := map[string]struct {
		before  []step
		without step
		refused [2]bool // if the log is last, and if the bucket is last; the last commits first
	}{
		"the first request":   {nil, step{0, 1}, [2]bool{true, true}},
		"one more":            {[]step{{0, 1}}, step{time.Second, 1}, [2]bool{true, true}},
		"the log is trimmed":  {[]step{{0, 1}, {30 * time.Second, 1}}, step{40 * time.Second, 1}, [2]bool{false, true}},
		"the log begins anew": {[]step{{0, 3}}, step{time.Hour, 1}, [2]bool{false, true}},
		"denied":              {[]step{{0, 3}}, step{time.Second, 1}, [2]bool{false, false}},
	}
	eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) {
		for name, h := range histories {
			for order, refused := range h.refused {
				clock, prefix := limitertest.NewClock(algorithmtest.Start), "answers-"+strings.ReplaceAll(t.Name()+name, " ", "-")+[]string{"1", "2"}[order]
				opts := []algorithms.Option{algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix)}
				limiters := []algorithms.Limiter{errtest.Must(gcra.New(run, limit, opts...)), errtest.Must(slidinglog.New(run, limit, opts...))}
				if order == 1 {
					slices.Reverse(limiters)
				}
				l := errtest.Must(allof.New(limiters...))
				local := errtest.Must(l.Local())
				same := func(s step) {
					t.Helper()
					clock.Advance(s.after)
					want, err := local.AllowN(context.Background(), "k", s.cost)
					if err != nil {
						t.Fatal(err)
					}
					if got, err := l.AllowN(soon(t), "k", s.cost); err != nil || got != want {
						t.Errorf("%s, order %d: %+v, %v, want %+v", name, order, got, err, want)
					}
				}
				for _, s := range h.before {
					same(s)
				}
				before := own.contents(t, prefix)
				fillMemory(t, own)
				if refused {
					clock.Advance(h.without.after)
					r, err := l.AllowN(soon(t), "k", h.without.cost)
					if !serverError(err, "OOM ") || r != (algorithms.Result{}) {
						t.Errorf("%s, order %d: %+v, %v, want the client's error with OOM inside", name, order, r, err)
					}
					if after := own.contents(t, prefix); !maps.Equal(before, after) {
						t.Errorf("%s, order %d: before and after:\n%v\n%v", name, order, before, after)
					}
				} else {
					same(h.without)
				}
				freeMemory(t, own)
				for range 4 {
					same(step{7 * time.Second, 1})
				}
			}
		}
	})
}

// TestApart: if the keys are in two slots of a cluster, the error says so, whether it is from a cluster client or from the
// server, and nothing is charged. Keys with the same hash tag are decided.
func TestApart(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			addr := servers.Start(t, kind, "--cluster-enabled", "yes").Addr
			conn := resptest.Dial(t, addr)
			addAllSlots(t, conn)
			waitForCluster(t, conn)
			eachClient(t, addr, func(t *testing.T, run scripts.Runner) { testApart(t, conn, run) })
			t.Run("cluster", func(t *testing.T) { testApart(t, conn, goRedisCluster(t, addr)) })
		})
	}
}

func testApart(t *testing.T, conn *resptest.Conn, run scripts.Runner) {
	t.Helper()
	user, tenant := errtest.Must(gcra.New(run, algorithms.PerMinute(5))), errtest.Must(slidinglog.New(run, algorithms.PerHour(2)))
	l := errtest.Must(allof.New(user, tenant))
	for _, ask := range []func(context.Context, ...allof.Request) (allof.Decision, error){l.AllowEach, l.PeekEach} {
		d, err := ask(soon(t), allof.Request{Key: "alice", Cost: 1}, allof.Request{Key: "acme", Cost: 1})
		if !errors.Is(err, allof.ErrNotTogether) || !strings.Contains(err.Error(), "{acme}") || d.Each != nil {
			t.Errorf("%T: %+v, %v, want ErrNotTogether", run, d, err)
		}
	}
	if stored, err := conn.Dump(context.Background(), "weir"); err != nil || len(stored) > 0 {
		t.Errorf("%T: %v, %v, want nothing", run, stored, err)
	}
	for i, allowed := range []bool{true, true, false} {
		d, err := l.AllowEach(soon(t), allof.Request{Key: "{acme}:alice", Cost: 1}, allof.Request{Key: "{acme}", Cost: 1})
		if err != nil || d.Result.Allowed != allowed || !d.Each[0].Allowed || d.Each[0].Remaining != int64(max(4-i, 3)) {
			t.Errorf("%T, request %d: %+v, %v", run, i+1, d, err)
		}
	}
	for _, key := range []string{"{acme}:alice", "{acme}"} {
		if err := l.Reset(soon(t), key); err != nil {
			t.Error(err)
		}
	}
}

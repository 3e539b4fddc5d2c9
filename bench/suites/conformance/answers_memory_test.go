package conformance_test

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// A step is a request at some time after the previous one. If after is negative, it is before the previous one.
type step struct {
	after time.Duration
	cost  int64
}

// testLogWithoutMemory makes each kind of commit of the sliding log on a server that is out of memory. A commit consists of
// several commands. The server checks its memory only before the first write of a script, so a script writes either nothing
// or everything.
func testLogWithoutMemory(t *testing.T, own ownServer) {
	limit := algorithms.PerMinute(3)
	commits := []struct {
		name    string
		before  []step // while there is memory
		without step   // while there is none
		refused bool
	}{
		{"the first entry", nil, step{0, 1}, true},
		{"one more entry", []step{{0, 1}}, step{time.Second, 1}, true},
		{"trim and push", []step{{0, 1}, {30 * time.Second, 1}}, step{40 * time.Second, 1}, false},
		{"begin anew", []step{{0, 3}}, step{time.Hour, 1}, false},
		{"clamp and push", []step{{0, 1}, {time.Second, 1}}, step{-time.Hour, 1}, false},
		{"clamp and deny", []step{{0, 1}, {time.Second, 2}}, step{-time.Hour, 1}, false},
		{"trim, clamp and push", []step{{0, 1}, {50 * time.Second, 1}, {20 * time.Second, 1}}, step{-10 * time.Second, 1}, false},
		{"denied", []step{{0, 3}}, step{time.Second, 1}, false},
	}
	eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) {
		for _, c := range commits {
			t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
				log := newLogs(t, run, limit)
				for _, s := range c.before {
					log.same(t, s)
				}
				before := own.contents(t, log.prefix)
				fillMemory(t, own)
				if c.refused {
					log.clock.Advance(c.without.after)
					r, err := log.remote.AllowN(soon(t), "k", c.without.cost)
					if !serverError(err, "OOM ") || r != (algorithms.Result{}) {
						t.Errorf("%+v, %v, want the client's error with OOM inside", r, err)
					}
					if after := own.contents(t, log.prefix); !maps.Equal(before, after) {
						t.Errorf("before and after:\n%v\n%v", before, after)
					}
				} else {
					log.same(t, c.without)
					own.contents(t, log.prefix)
				}
				freeMemory(t, own)
				for range 4 {
					log.same(t, step{7 * time.Second, 1})
				}
			})
		}
	})
}

// logs are a sliding log on a server and one in this process, with the same clock.
type logs struct {
	remote, local algorithms.Limiter
	clock         *limitertest.Clock
	prefix        string
}

func newLogs(t *testing.T, run scripts.Runner, limit algorithms.Limit) logs {
	t.Helper()
	prefix, clock := "answers-"+t.Name(), limitertest.NewClock(algorithmtest.Start)
	remote, err := slidinglog.New(run, limit, algorithms.WithPrefix(prefix), algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	local, err := slidinglog.NewLocal(limit, algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return logs{remote, local, clock, prefix}
}

// same makes a request to both and compares the answers.
func (l logs) same(t *testing.T, s step) {
	t.Helper()
	l.clock.Advance(s.after)
	want, err := l.local.AllowN(context.Background(), "k", s.cost)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.remote.AllowN(soon(t), "k", s.cost); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// testEviction makes a server evict keys to store another client's data. Keys of limiters are evicted too. A decision never
// fails and never uses half a state: a key keeps its state, or starts with its whole limit.
func testEviction(t *testing.T, own ownServer) {
	limitMemory(t, own, "allkeys-lru", 8<<20)
	eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) {
		stop := flood(t, own)
		defer stop()
		var all []*forgetful
		for _, a := range askers(t, run, "answers-"+t.Name()) {
			if a.name == allOfName {
				continue // it may lose only some of its keys
			}
			left := a.ask(t)
			all = append(all, &forgetful{asker: a, fresh: left, last: left})
		}
		until(t, "each has counted on, and was forgotten", func() bool {
			done := true
			for _, a := range all {
				a.again(t)
				done = done && a.counted >= 20 && a.forgotten >= 2
			}
			return done
		})
	})
	freeMemory(t, own)
}

// A forgetful is an asker whose key may be evicted by the server.
type forgetful struct {
	asker
	fresh, last        int64 // what is left after the first request, and after the last one
	forgotten, counted int
}

func (a *forgetful) again(t *testing.T) {
	t.Helper()
	left, err := a.allow(soon(t), "k")
	switch {
	case err != nil:
		t.Fatalf("%s: %v", a.name, err)
	case left == a.fresh:
		a.forgotten++
	case left == denied && (a.last == denied || a.last == a.none()):
	case left != a.last-1:
		t.Fatalf("%s: %d left after %d, want one less, or %d", a.name, left, a.last, a.fresh)
	default:
		a.counted++
	}
	a.last = left
}

// none returns what allow returns for the last request that is admitted.
func (a *forgetful) none() int64 {
	if a.name == "queue" {
		return -answerLimit.Rate
	}
	return 0
}

// flood writes another client's data, more than there is memory for, over and over, until stop is called.
func flood(t *testing.T, own ownServer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	conn := resptest.Dial(t, own.addr)
	var flooding sync.WaitGroup
	flooding.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if _, err := conn.Do("EVAL", `for i = 1, 50 do
				redis.call('SET', 'neighbour' .. ARGV[1] .. '-' .. i, string.rep('x', 10000))
			end`, "0", strconv.Itoa(n)); err != nil {
				t.Errorf("the neighbour: %v", err)
				return
			}
		}
	})
	return func() { cancel(); flooding.Wait() }
}

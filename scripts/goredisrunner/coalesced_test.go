package goredisrunner_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// counted is a Runner around another one, as for metrics. It holds all calls until open is closed.
type counted struct {
	scripts.Runner
	open  chan struct{}
	calls atomic.Int64
}

func (c *counted) Unwrap() scripts.Runner { return c.Runner }

func (c *counted) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	c.calls.Add(1)
	<-c.open
	return c.Runner.Run(ctx, s, keys, args)
}

// hold is a hook that holds all scripts until open is closed.
type hold struct{ open chan struct{} }

func (hold) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hold) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") {
			<-h.open
		}
		return next(ctx, cmd)
	}
}

func (hold) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// crowd makes many calls for each key at the same time, and returns how many are admitted for each. One call of each lane is
// sent at once, and open is closed when all others wait.
func crowd(t *testing.T, c *coalesce.Runner, keys []string, callers, limit, lanes int, open chan struct{}) map[string]*atomic.Int64 {
	t.Helper()
	limiter := errtest.Must(fixedwindow.New(c, algorithms.PerDay(int64(limit))))
	admitted := map[string]*atomic.Int64{}
	var asking sync.WaitGroup
	for _, key := range keys {
		admitted[key] = new(atomic.Int64)
		for range callers {
			asking.Add(1)
			go func() {
				defer asking.Done()
				result, err := limiter.Allow(t.Context(), key)
				if err != nil {
					t.Error(err)
				}
				if result.Allowed {
					admitted[key].Add(1)
				}
			}()
		}
	}
	for c.Waiting() != len(keys)*callers-lanes { // forever, if not all of the others wait, or more than these
		runtime.Gosched()
	}
	close(open)
	asking.Wait()
	return admitted
}

// TestCoalescedRing: the keys of some users are in one slot of a cluster, but on different shards of a ring. Each user gets
// exactly the limit, and the state of each is on one shard. This also holds behind a wrapper, whose calls can't be made in
// pipelines.
func TestCoalescedRing(t *testing.T) {
	const callers, limit = 200, 100
	for _, wrapped := range []bool{false, true} {
		ring, shards := threeShards(t)
		run := errtest.Must(goredisrunner.New(ring))
		users := sameSlot
		open := make(chan struct{})
		var outer scripts.Runner = run
		lanes := len(users)
		if wrapped {
			outer = &counted{Runner: run, open: open}
		} else {
			nodes := map[string]bool{}
			for _, user := range users {
				place, _ := run.Place(t.Context(), "weir:{"+user+"}")
				nodes[place.Node] = true
			}
			if lanes = len(nodes); lanes < 2 {
				t.Fatal("all users are on one shard")
			}
			ring.AddHook(hold{open})
		}
		c := errtest.Must(coalesce.New(outer, coalesce.MaxFlights(1), coalesce.Patience(1<<62)))
		for user, admitted := range crowd(t, c, users, callers, limit, lanes, open) {
			holding := 0
			for _, shard := range shards {
				for _, key := range shard.Keys() {
					if strings.Contains(key, "{"+user+"}") {
						holding++
					}
				}
			}
			if admitted.Load() != limit || holding != 1 {
				t.Errorf("wrapped: %v: %s: %d admitted, want %d; state is on %d shards", wrapped, user, admitted.Load(), limit, holding)
			}
		}
	}
}

// sameSlot has hash tags of one slot.
var sameSlot = []string{"anna188", "dave412", "heidi109", "judy346", "mallory338"}

// TestCoalescedWrapper: a wrapper for metrics gets no more calls than the runner behind it would get.
func TestCoalescedWrapper(t *testing.T) {
	w := runnertest.New(t)
	m := &counted{Runner: errtest.Must(goredisrunner.New(single(t, w, settings{}))), open: make(chan struct{})}
	c := errtest.Must(coalesce.New(m, coalesce.MaxFlights(1), coalesce.Patience(1<<62)))
	keys := []string{"anna", "bob", "carol", "dave", "erin"}
	for key, admitted := range crowd(t, c, keys, 50, 10, 1, m.open) {
		if admitted.Load() != 10 {
			t.Errorf("%s: %d admitted, want 10", key, admitted.Load())
		}
	}
	if calls := m.calls.Load(); calls != 5 { // 1, and 249 in batches of 64
		t.Errorf("%d calls, want 5", calls)
	}
}

// TestCoalescedClientOfACluster: callers over a plain client of a node in cluster mode, which holds all slots, are answered as
// they are without coalescing.
func TestCoalescedClientOfACluster(t *testing.T) {
	for _, wrapped := range []bool{false, true} {
		w := runnertest.New(t)
		w.Decide(func(cmd []string) runnertest.Fate {
			if strings.HasPrefix(cmd[0], "eval") && cmd[2] != "1" {
				for _, key := range cmd[4:] {
					if strings.HasPrefix(key, "weir:") && scripts.HashTag(key) != scripts.HashTag(cmd[3]) {
						return runnertest.Fate{Answer: "-CROSSSLOT Keys in request don't hash to the same slot\r\n"}
					}
				}
			}
			return runnertest.Fate{}
		})
		client := single(t, w, settings{})
		var run scripts.Runner = errtest.Must(goredisrunner.New(client))
		open := make(chan struct{})
		if wrapped {
			run = &counted{Runner: run, open: open}
		} else {
			client.AddHook(hold{open})
		}
		c := errtest.Must(coalesce.New(run, coalesce.MaxFlights(1), coalesce.Patience(1<<62)))
		for key, admitted := range crowd(t, c, []string{"anna", "bob", "carol", "dave"}, 50, 10, 1, open) {
			if admitted.Load() != 10 {
				t.Errorf("wrapped: %v: %s: %d admitted, want 10", wrapped, key, admitted.Load())
			}
		}
	}
}

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// TestBatches: requests that are sent together get the same answers, and leave the same state, as requests that are sent
// alone.
func TestBatches(t *testing.T) {
	const now = "1795363671000000"
	requests := map[*scripts.Script][][]string{
		scripts.GCRA:        {{"1000000", "5000000", now}, {"2000000", "5000000", now}, {"333333", "1000000", now, "1", "0", "3"}},
		scripts.Queue:       {{"1000000", "5000000", "", now}, {"1000000", "5000000", "2000000", now}, {"333333", "999999", "", now, "1", "2", "3"}},
		scripts.FixedWindow: {{"1", "9", "60000000", now}, {"3", "9", "60000000", now}, {"1", "9", "60000000", now, "1"}},
		scripts.SlidingLog:  {{"1", "9", "60000000", now}, {"3", "9", "60000000", now}},
	}
	eachRealServer(t, func(t *testing.T, addr string) {
		conn, prefix := fresh(t, addr)
		random := rand.New(rand.NewPCG(1, 2))
		for script, choices := range requests {
			for round := range 6 {
				var calls []call
				for range 60 {
					one := call{fmt.Sprint(random.IntN(4)), choices[random.IntN(len(choices))]}
					if len(one.args) > 5 {
						one.key += " of parts" // limits without parts can't use this state
					}
					for range 1 + random.IntN(3) {
						calls = append(calls, one)
					}
				}
				alone, together := fmt.Sprintf("%s:%s:%d:a:", prefix, script.Name(), round), fmt.Sprintf("%s:%s:%d:b:", prefix, script.Name(), round)
				for _, broken := range []string{alone + "3", together + "3"} { // one key has a value that is not a state
					if _, err := conn.Do("HSET", broken, "field", "value"); err != nil {
						t.Fatal(err)
					}
				}
				want, got := oneByOne(t, conn, script, alone, calls), allAtOnce(t, conn, script, together, calls)
				for i := range want {
					if !reflect.DeepEqual(got[i].reply, want[i].reply) || (got[i].err == nil) != (want[i].err == nil) {
						t.Errorf("%s: call %d, %v: %v, %v; alone %v, %v", script.Name(), i, calls[i], got[i].reply, got[i].err, want[i].reply, want[i].err)
					}
				}
				sameState(t, conn, alone, together)
			}
		}
	})
}

type call struct {
	key  string
	args []string
}

type told struct {
	reply []int64
	err   error
}

func oneByOne(t *testing.T, run scripts.Runner, script *scripts.Script, prefix string, calls []call) (all []told) {
	t.Helper()
	for _, call := range calls {
		reply, err := run.Run(context.Background(), script, []string{prefix + call.key}, call.args)
		all = append(all, told{reply, err})
	}
	return all
}

// held is a runner that holds each call until it is released.
type held struct {
	scripts.Runner
	arrived chan struct{}
	release chan struct{}

	mu    sync.Mutex
	names []string
}

func (h *held) Unwrap() scripts.Runner { return h.Runner }

func (h *held) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	h.arrived <- struct{}{}
	<-h.release
	h.mu.Lock()
	h.names = append(h.names, s.Name())
	h.mu.Unlock()
	return h.Runner.Run(ctx, s, keys, args)
}

// allAtOnce makes the calls in a few batches, in their order.
func allAtOnce(t *testing.T, run scripts.Runner, script *scripts.Script, prefix string, calls []call) []told {
	t.Helper()
	h := &held{Runner: run, arrived: make(chan struct{}, len(calls)+1), release: make(chan struct{})}
	c := errtest.Must(coalesce.New(h, coalesce.MaxFlights(1)))
	all := make([]told, len(calls))
	var asking sync.WaitGroup
	asking.Go(func() { _, _ = c.Run(context.Background(), scripts.Reset, []string{prefix}, nil) })
	<-h.arrived
	for i, call := range calls {
		asking.Go(func() {
			all[i].reply, all[i].err = c.Run(context.Background(), script, []string{prefix + call.key}, call.args)
		})
		for c.Waiting() < i+1 {
			runtime.Gosched() // waits for ever if the call doesn't come
		}
	}
	close(h.release)
	asking.Wait()
	if err := c.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if want := script.Many().Name(); h.names[1] != want {
		t.Errorf("%s was sent, want %s", h.names[1], want)
	}
	return all
}

// sameState compares what is stored under two prefixes.
func sameState(t *testing.T, conn *resptest.Conn, alone, together string) {
	t.Helper()
	ctx := context.Background()
	want, err := conn.Dump(ctx, alone)
	if err != nil {
		t.Fatal(err)
	}
	got, err := conn.Dump(ctx, together)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("stored is %q, alone %q", got, want)
	}
	for key, value := range want {
		if other := together + key[len(alone):]; got[other] != value {
			t.Errorf("%s: %q, alone %q", other, got[other], value)
		}
		lasts, lastsAlone := ttl(t, conn, together+key[len(alone):]), ttl(t, conn, key)
		if (lasts - lastsAlone).Abs() > time.Minute { // each is more than an hour
			t.Errorf("%s lasts %v, alone %v", key, lasts, lastsAlone)
		}
	}
}

func ttl(t *testing.T, conn *resptest.Conn, key string) time.Duration {
	t.Helper()
	ms, err := conn.Do("PTTL", key)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ms.(int64)) * time.Millisecond
}

// TestBatchesWithoutMemory: if a key can't be written, its requests in a batch that would be admitted get the server's
// error, and nothing is charged. Denials are answered as usual.
func TestBatchesWithoutMemory(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			own := newOwnServer(t, kind)
			args := []string{"3600000000", "7200000000"}
			full := []string{"weir:{full}:gcra"}
			for range 2 {
				if reply, err := own.Run(context.Background(), scripts.GCRA, full, args); err != nil || reply[0] < 0 {
					t.Fatal(reply, err)
				}
			}
			fillMemory(t, own)
			calls := []call{{"{new}:gcra", args}, {"{new}:gcra", args}, {"{full}:gcra", args}, {"{new}:gcra", args}}
			for i, got := range allAtOnce(t, own, scripts.GCRA, "weir:", calls) {
				switch {
				case i == 2 && (got.err != nil || got.reply[0] >= 0):
					t.Errorf("a full key: %v, %v; want a denial", got.reply, got.err)
				case i != 2 && (got.err == nil || !strings.Contains(got.err.Error(), "OOM")):
					t.Errorf("call %d: %v, %v; want OOM", i, got.reply, got.err)
				}
			}
			if left := own.contents(t, "weir:{new}"); len(left) > 0 {
				t.Errorf("stored is %q", left)
			}
			freeMemory(t, own)
		})
	}
}

// TestLimitersInBatches runs the suite over every algorithm, with each call decided in a script together with another. One
// server is enough, because TestBatches compares decisions made together with decisions made alone on each server.
func TestLimitersInBatches(t *testing.T) {
	addr := servers.Shared(t, servers.All()[1]).Addr
	run := inPairs{errtest.Must(goredisrunner.New(goRedis(t, addr)))}
	for _, a := range all {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			stored := limitertest.StoredIn(resptest.Dial(t, addr))
			limitertest.Run(t, a.Over(run), append(a.Compared(), stored)...)
		})
	}
}

// inPairs is a runner that sends each call together with the same call for another key.
type inPairs struct{ scripts.Runner }

func (p inPairs) Run(ctx context.Context, s *scripts.Script, keys, args []string) (reply []int64, err error) {
	h := &held{Runner: p.Runner, arrived: make(chan struct{}, 4), release: make(chan struct{})}
	c := errtest.Must(coalesce.New(h, coalesce.MaxFlights(1)))
	var asking sync.WaitGroup
	asking.Go(func() { _, _ = c.Run(ctx, scripts.Reset, []string{"another key"}, nil) })
	<-h.arrived
	asking.Go(func() { reply, err = c.Run(ctx, s, keys, args) })
	asking.Go(func() { _, _ = c.Run(context.Background(), s, []string{"another key"}, args) })
	for c.Waiting() < 2 && ctx.Err() == nil {
		runtime.Gosched()
	}
	close(h.release)
	asking.Wait()
	return reply, errors.Join(err, c.Close(context.Background()))
}

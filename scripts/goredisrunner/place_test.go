package goredisrunner_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// threeShards returns a ring of three servers.
func threeShards(t *testing.T) (*redis.Ring, map[string]*miniredis.Miniredis) {
	t.Helper()
	addrs, shards := map[string]string{}, map[string]*miniredis.Miniredis{}
	for i := range 3 {
		name, shard := fmt.Sprint("shard", i), miniredis.RunT(t)
		addrs[name], shards[name] = shard.Addr(), shard
	}
	ring := redis.NewRing(patiently(&redis.RingOptions{Addrs: addrs}))
	t.Cleanup(func() { _ = ring.Close() })
	return ring, shards
}

// together reports whether it is known that one script may use both keys.
func together(t *testing.T, run *goredisrunner.Runner, one, other string) bool {
	t.Helper()
	a, known := run.Place(t.Context(), one)
	b, alsoKnown := run.Place(t.Context(), other)
	return known && alsoKnown && a.Group == b.Group
}

// TestPlace: keys are together only if they are known to be.
func TestPlace(t *testing.T) {
	w := runnertest.New(t)
	ring, _ := threeShards(t)
	for name, test := range map[string]struct {
		client        redis.UniversalClient
		opts          []goredisrunner.Option
		any, sameTags bool // whether keys are together if their tags differ, or are the same
	}{
		"single":           {client: single(t, w, settings{}), any: true, sameTags: true},
		"failover":         {client: failover(t, w, settings{}), any: true, sameTags: true},
		"cluster":          {client: cluster(t, w, settings{}), sameTags: true},
		"ring":             {client: ring, sameTags: true},
		"behind a proxy":   {client: single(t, w, settings{}), opts: []goredisrunner.Option{goredisrunner.Sharded()}},
		"ring of proxies":  {client: ring, opts: []goredisrunner.Option{goredisrunner.Sharded()}},
		"a client of ours": {client: struct{ redis.UniversalClient }{single(t, w, settings{})}},
	} {
		run := errtest.Must(goredisrunner.New(test.client, test.opts...))
		if got := together(t, run, "weir:{a}:gcra", "weir:{b}:gcra"); got != test.any {
			t.Errorf("%s: keys of two tags are together: %v", name, got)
		}
		if got := together(t, run, "weir:{a}:gcra", "weir:{a}:fixedwindow"); got != test.sameTags {
			t.Errorf("%s: keys of one tag are together: %v", name, got)
		}
	}
	if _, known := (*goredisrunner.Runner)(nil).Place(t.Context(), "key"); known {
		t.Error("a Runner without a client knows where a key is")
	}
}

// TestRingPlacesByShard: two tags are never together in a ring, even if they are on one shard now. A key's node is
// the shard that has it.
func TestRingPlacesByShard(t *testing.T) {
	ring, shards := threeShards(t)
	run := errtest.Must(goredisrunner.New(ring))
	for i := range 50 {
		key := fmt.Sprintf("weir:{user%d}", i)
		if _, err := run.Run(t.Context(), runnertest.Count, []string{key}, nil); err != nil {
			t.Fatal(err)
		}
		place, known := run.Place(t.Context(), key)
		for name, shard := range shards {
			if shard.Exists(key) != (place.Node == shard.Addr()) || !known {
				t.Errorf("%s: %+v, and %s at %s has it: %v", key, place, name, shard.Addr(), shard.Exists(key))
			}
		}
	}
}

// TestPlaceAsksNoServer: Place doesn't make a cluster client load its nodes, which may take long.
func TestPlaceAsksNoServer(t *testing.T) {
	w := runnertest.New(t)
	looked := false
	client := redis.NewClusterClient(patiently(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			looked = true
			return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: w.Addr}}}}, nil
		},
	}))
	run := errtest.Must(goredisrunner.New(closing(t, client, nil)))
	if place, known := run.Place(t.Context(), "key"); !known || place.Node != "" || looked {
		t.Errorf("%+v, %v; a server was asked: %v", place, known, looked)
	}
	if _, err := run.Run(t.Context(), runnertest.Count, []string{"key"}, nil); err != nil {
		t.Fatal(err)
	}
	if place, known := run.Place(t.Context(), "key"); !known || place.Node == "" {
		t.Errorf("after a call: %+v, %v, want a node", place, known)
	}
}

// TestPlainClientOfACluster: a plain client's server counts as the only one until it shows that it is a node of a cluster.
func TestPlainClientOfACluster(t *testing.T) {
	for _, answer := range []string{
		"CROSSSLOT Keys in request don't hash to the same slot", "MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381",
		"TRYAGAIN Multiple keys request during rehashing of slot", "CLUSTERDOWN Hash slot not served",
	} {
		for _, pipelined := range []bool{false, true} {
			w := runnertest.New(t)
			w.Decide(func(cmd []string) runnertest.Fate {
				if cmd[0] == "evalsha" {
					return runnertest.Fate{Answer: "-" + answer + "\r\n"}
				}
				return runnertest.Fate{}
			})
			run := errtest.Must(goredisrunner.New(single(t, w, settings{})))
			if !together(t, run, "{a}", "{b}") {
				t.Error("keys of one server are not together")
			}
			call := scripts.Call{Script: runnertest.Count, Keys: []string{"{a}"}}
			if pipelined {
				calls := []scripts.Call{call}
				run.RunAll(t.Context(), calls)
				call = calls[0]
			} else {
				_, call.Err = run.Run(t.Context(), call.Script, call.Keys, nil)
			}
			if call.Err == nil {
				t.Fatal("the call succeeded")
			}
			if together(t, run, "{a}", "{b}") || !together(t, run, "{a}", "x{a}") {
				t.Errorf("after %s, pipelined: %v: not by tag", answer, pipelined)
			}
		}
	}
}

// TestPlaceAllocates: Place allocates nothing for a plain client.
func TestPlaceAllocates(t *testing.T) {
	run := errtest.Must(goredisrunner.New(single(t, runnertest.New(t), settings{})))
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = run.Place(ctx, "weir:{a}") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestWrongOption: a nil option is an error.
func TestWrongOption(t *testing.T) {
	run, err := goredisrunner.New(single(t, runnertest.New(t), settings{}), nil)
	if run != nil || !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("%v, %v, want ErrInvalidOption", run, err)
	}
}

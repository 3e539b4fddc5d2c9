package goredisrunner_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// TestRunAll: each call of a pipeline gets its own reply or error. Scripts that the server doesn't know are sent in a second
// pipeline.
func TestRunAll(t *testing.T) {
	for _, topology := range []string{"single", "cluster", "ring"} {
		t.Run(topology, func(t *testing.T) {
			w := runnertest.New(t)
			run := errtest.Must(goredisrunner.New(topologies[topology](t, w, settings{})))
			odd := scripts.New("odd", `return redis.error_reply("ODD one")`)
			calls := []scripts.Call{
				{Script: runnertest.Count, Keys: []string{"a"}},
				{Script: runnertest.Echo, Keys: []string{"b"}, Args: []string{"8", "9"}},
				{Script: odd, Keys: []string{"b"}},
				{Script: runnertest.Count, Keys: []string{"a"}},
			}
			for round := range int64(2) { // in the second round the server knows the scripts
				run.RunAll(t.Context(), calls)
				if calls[0].Err != nil || calls[3].Err != nil || calls[0].Reply[0] != 2*round+1 || calls[3].Reply[0] != 2*round+2 {
					t.Errorf("%+v", calls)
				}
				if calls[1].Err != nil || len(calls[1].Reply) != 3 || calls[1].Reply[2] != round+1 {
					t.Errorf("%+v", calls[1])
				}
				if !redis.HasErrorPrefix(calls[2].Err, "ODD") {
					t.Errorf("%+v", calls[2])
				}
			}
			ended, end := context.WithCancel(t.Context())
			end()
			run.RunAll(ended, calls)
			for _, c := range calls {
				if !errors.Is(c.Err, context.Canceled) {
					t.Errorf("after the context's end: %v", c.Err)
				}
			}
			if n, _ := w.Server.Get("a"); n != "4" {
				t.Errorf("the script has run %s times, want 4", n)
			}
		})
	}
	var none *goredisrunner.Runner
	calls := []scripts.Call{{Script: runnertest.Count}}
	if none.RunAll(t.Context(), calls); !errors.Is(calls[0].Err, goredisrunner.ErrNilClient) {
		t.Errorf("without a client: %v", calls[0].Err)
	}
}

// TestRingKeepsEmptyKey: a ring sends a pipeline's command for the key "" to any shard. RunAll sends it to the same shard as Run.
func TestRingKeepsEmptyKey(t *testing.T) {
	client, shards := threeShards(t)
	run := errtest.Must(goredisrunner.New(client))
	calls := make([]scripts.Call, 20)
	for i := range calls {
		calls[i] = scripts.Call{Script: runnertest.Count, Keys: []string{""}}
	}
	run.RunAll(t.Context(), calls)
	if reply, err := run.Run(t.Context(), runnertest.Count, []string{""}, nil); err != nil || reply[0] != 21 {
		t.Errorf("after 20 calls: %v, %v, want 21", reply, err)
	}
	holding := 0
	for _, shard := range shards {
		if shard.Exists("") {
			holding++
		}
	}
	if holding != 1 {
		t.Errorf("%d shards hold the key", holding)
	}
}

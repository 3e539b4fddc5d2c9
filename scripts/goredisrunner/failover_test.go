package goredisrunner_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// TestNewMaster: when a cluster's master is gone, calls reach the one that took its place as soon as the
// cluster says so, not only when go-redis reloads the slots by itself, a minute later.
func TestNewMaster(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	var master atomic.Value
	master.Store(gone.Addr().String())
	client := redis.NewClusterClient(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: master.Load().(string)}}}}, nil
		},
		DialerRetries: 1,
	})
	t.Cleanup(func() { _ = client.Close() })
	run := errtest.Must(goredisrunner.New(client))
	if got, err := charge(t.Context(), run); err == nil {
		t.Fatalf("Run = %v of a master that is gone", got)
	}
	master.Store(runnertest.New(t).Addr)
	late := time.After(2 * time.Minute)
	for {
		_, err := charge(t.Context(), run)
		if err == nil {
			return
		}
		select {
		case <-late:
			t.Fatalf("the new master is not found: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// charge runs the suite's counting script once.
func charge(ctx context.Context, run *goredisrunner.Runner) ([]int64, error) {
	return run.Run(ctx, runnertest.Count, []string{"key"}, nil)
}

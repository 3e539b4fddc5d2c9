package goredisrunner_test

import (
	"context"
	"errors"
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
// cluster says so, not only when go-redis reloads the slots by itself.
func TestNewMaster(t *testing.T) {
	const gone = "192.0.2.1:6379"
	var master atomic.Value
	master.Store(gone)
	client := redis.NewClusterClient(patiently(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: master.Load().(string)}}}}, nil
		},
		ClusterStateReloadInterval: time.Hour,
		DialerRetries:              1,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == gone {
				return nil, errors.New("connection refused")
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}))
	t.Cleanup(func() { _ = client.Close() })
	run := errtest.Must(goredisrunner.New(client))
	if got, err := charge(t.Context(), run); err == nil {
		t.Fatalf("Run = %v of a master that is gone", got)
	}
	master.Store(runnertest.New(t).Addr)
	late := time.After(patience)
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

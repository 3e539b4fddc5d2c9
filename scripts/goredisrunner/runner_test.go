package goredisrunner_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// TestClusterRouting: the first key chooses the node, without a redirect and without asking any node about COMMAND.
func TestClusterRouting(t *testing.T) {
	low, high := runnertest.New(t), runnertest.New(t)
	run := errtest.Must(goredisrunner.New(closing(t, redis.NewClusterClient(patiently(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{
				{Start: 0, End: 8191, Nodes: []redis.ClusterNode{{Addr: low.Addr}}},
				{Start: 8192, End: 16383, Nodes: []redis.ClusterNode{{Addr: high.Addr}}},
			}, nil
		},
	})), nil)))
	for key, node := range map[string]*runnertest.Wire{"bar": low, "{bar}foo": low, "foo": high, "{foo}bar": high} {
		if _, err := run.Run(t.Context(), runnertest.Count, []string{key}, []string{"arg"}); err != nil || !node.Server.Exists(key) {
			t.Errorf("%s is not on its node; Run's error is %v", key, err)
		}
	}
	if n := low.Count("command") + high.Count("command"); n > 0 {
		t.Errorf("the nodes were asked for COMMAND %d times", n)
	}
}

// TestProtocols tests the replies of a real script over both protocols.
func TestProtocols(t *testing.T) {
	for _, protocol := range []int{2, 3} {
		w := runnertest.New(t)
		run := errtest.Must(goredisrunner.New(closing(t, redis.NewClient(patiently(&redis.Options{Addr: w.Addr, Protocol: protocol})), nil)))
		got, err := run.Run(t.Context(), runnertest.Echo, []string{"key"}, []string{"-5", "300"})
		if err != nil || !slices.Equal(got, []int64{-5, 300, 1}) {
			t.Errorf("RESP%d: Run = %v, %v", protocol, got, err)
		}
		if _, err := run.Run(t.Context(), scripts.New("none", "return false"), nil, nil); !errors.Is(err, redis.Nil) {
			t.Errorf("RESP%d: a nil reply gave %v", protocol, err)
		}
	}
}

func TestNilClient(t *testing.T) {
	for _, client := range []redis.UniversalClient{nil, (*redis.Client)(nil), (*redis.ClusterClient)(nil), (*redis.Ring)(nil)} {
		if run, err := goredisrunner.New(client); run != nil || !errors.Is(err, goredisrunner.ErrNilClient) {
			t.Errorf("New of a nil %T = %v, %v, want ErrNilClient", client, run, err)
		}
	}
	for _, run := range []*goredisrunner.Runner{nil, {}} {
		if _, err := run.Run(context.Background(), runnertest.Count, []string{"key"}, nil); !errors.Is(err, goredisrunner.ErrNilClient) {
			t.Errorf("Run of a Runner that New has not made = %v, want ErrNilClient", err)
		}
	}
}

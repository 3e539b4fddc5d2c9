// Package replicas_test runs what examples/replicas shows: six replicas of a service behind a balancer, over one Redis. They
// run in containers of the image that build.sh makes, and as processes of this machine. Together they must admit exactly the
// limit.
package replicas_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
)

const (
	example  = "../../../examples/replicas"
	replicas = 6
	limit    = 10 // a day, for each API key and each client
)

func TestMain(m *testing.M) { servers.Main(m) }

// TestReplicas: the replicas together admit exactly the limit. Their algorithm is the sliding log, with at most 10 requests
// in any 24 hours. So the expected numbers are exact at any speed of the requests: the first ten are admitted, and none of
// them leaves the log before the last request.
func TestReplicas(t *testing.T) {
	server := servers.Shared(t, servers.All()[1]) // Redis 8.0, as in compose.yaml, unless REDIS_IMAGE says otherwise
	binary := buildBinary(t)
	t.Run("processes", func(t *testing.T) {
		t.Parallel()
		testReplicas(t, binary.start, server.Addr+"/1")
	})
	if !server.Contained {
		t.Log("no Docker engine whose containers have this machine's network: only as processes")
		return
	}
	image := buildImage(t)
	t.Run("containers", func(t *testing.T) {
		t.Parallel()
		testReplicas(t, image.start, server.Addr+"/2")
	})
}

// starter starts the example's program.
type starter func(ctx context.Context, env map[string]string, args ...string) (*running, error)

// running is the program while it runs.
type running struct {
	addr string
	servers.Running
}

// testReplicas starts the replicas and sends requests of three clients at the same time.
func testReplicas(t *testing.T, start starter, redis string) {
	service := startReplicas(t, start, map[string]string{
		"REDIS_URL":       "redis://" + redis,
		"RATE":            fmt.Sprint(limit, "/day"),
		"API_KEYS":        "steady,eager",
		"TRUSTED_PROXIES": "1",
		"TIMEOUT":         "30s", // so that the service doesn't refuse requests on a busy machine
	})
	t.Run("clients", func(t *testing.T) {
		t.Run("100 requests in ten seconds", func(t *testing.T) {
			t.Parallel()
			testSteady(t, service)
		})
		t.Run("64 connections with one key", func(t *testing.T) {
			t.Parallel()
			testTogether(t, service, func(int) map[string]string { return map[string]string{"X-API-Key": "eager"} })
		})
		t.Run("64 connections that make up keys and addresses", func(t *testing.T) {
			t.Parallel()
			testTogether(t, service, func(i int) map[string]string {
				return map[string]string{"X-API-Key": fmt.Sprint("key", i), "X-Forwarded-For": fmt.Sprint("192.0.2.", i)}
			})
		})
	})
	// The balancer takes the replicas in turn, for all clients together. So their numbers of requests differ by one at most.
	served := slices.Collect(maps.Values(service.served))
	if len(served) != replicas || slices.Max(served)-slices.Min(served) > 1 {
		t.Errorf("requests by replica: %v, want the same number, or one more, from %d", service.served, replicas)
	}
	t.Logf("requests by replica: %v", service.served)
}

// startReplicas starts six replicas, and a balancer over them. They end when the test ends.
func startReplicas(t *testing.T, start starter, env map[string]string) *service {
	var mu sync.Mutex
	var all []*running
	t.Cleanup(func() {
		var ends sync.WaitGroup
		for _, r := range all {
			ends.Go(func() {
				if t.Failed() {
					t.Logf("%s logged:\n%s", r.addr, r.Log(context.Background()))
				}
				if err := r.Close(); err != nil {
					t.Errorf("end %s: %v", r.addr, err)
				}
			})
		}
		ends.Wait()
	})
	one := func(env map[string]string, args ...string) (*running, error) {
		r, err := start(t.Context(), env, args...)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, r)
		}
		return r, err
	}

	upstreams, errs := make([]string, replicas), make([]error, replicas)
	var starts sync.WaitGroup
	for i := range replicas {
		starts.Go(func() {
			env := maps.Clone(env)
			env["NAME"] = fmt.Sprint("replica-", i+1)
			r, err := one(env)
			if errs[i] = err; err == nil {
				upstreams[i] = r.addr
			}
		})
	}
	starts.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	balancer, err := one(map[string]string{"UPSTREAMS": strings.Join(upstreams, ",")}, "balance")
	if err != nil {
		t.Fatal(err)
	}
	return &service{addr: balancer.addr, served: map[string]int{}}
}

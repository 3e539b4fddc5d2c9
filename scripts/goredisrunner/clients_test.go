package goredisrunner_test

import (
	"context"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/go-weir/weir/internal/runnertest"
)

func init() { logging.Disable() } // go-redis logs each connection that the tests break

// settings are the options that the tests change. Apart from timeouts, all others have go-redis' defaults, also those for
// retries.
type settings struct {
	readTimeout time.Duration // 0: patience
	deadlines   bool          // ContextTimeoutEnabled
}

// patience is how long a client waits for what will come: longer than any machine takes.
const patience = 2 * time.Minute

// patiently sets those timeouts that are 0 in a client's options to patience, and returns the options.
func patiently[Options any](o *Options) *Options {
	for _, name := range []string{"DialTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"} {
		if timeout := reflect.ValueOf(o).Elem().FieldByName(name); timeout.IsZero() {
			timeout.SetInt(int64(patience))
		}
	}
	return o
}

// topologies are the kinds of client that every supported release of go-redis has. Kinds that only newer releases have
// are tested in bench/suites/clients.
var topologies = map[string]func(t testing.TB, w *runnertest.Wire, s settings) redis.UniversalClient{
	"single":   single,
	"cluster":  cluster,
	"ring":     ring,
	"failover": failover,
}

func single(t testing.TB, w *runnertest.Wire, s settings) redis.UniversalClient {
	return closing(t, redis.NewClient(patiently(&redis.Options{
		Addr: w.Addr, ReadTimeout: s.readTimeout, ContextTimeoutEnabled: s.deadlines,
	})), nil)
}

func cluster(t testing.TB, w *runnertest.Wire, s settings) redis.UniversalClient {
	return closing(t, redis.NewClusterClient(patiently(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
			return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: w.Addr}}}}, nil
		},
		ReadTimeout: s.readTimeout, ContextTimeoutEnabled: s.deadlines,
	})), nil)
}

func ring(t testing.TB, w *runnertest.Wire, s settings) redis.UniversalClient {
	return closing(t, redis.NewRing(patiently(&redis.RingOptions{
		Addrs: map[string]string{"one": w.Addr}, ReadTimeout: s.readTimeout, ContextTimeoutEnabled: s.deadlines,
	})), nil)
}

func failover(t testing.TB, w *runnertest.Wire, s settings) redis.UniversalClient {
	return closing(t, redis.NewFailoverClient(patiently(&redis.FailoverOptions{
		MasterName: "main", SentinelAddrs: []string{sentinel(t, w).Addr},
		ReadTimeout: s.readTimeout, ContextTimeoutEnabled: s.deadlines,
	})), nil)
}

func closing(t testing.TB, client redis.UniversalClient, err error) redis.UniversalClient {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// sentinel starts a Sentinel which answers that the master of every name is at w.
func sentinel(t testing.TB, w *runnertest.Wire) *runnertest.Wire {
	s := runnertest.New(t)
	s.Decide(func(cmd []string) runnertest.Fate {
		if cmd[0] != "sentinel" {
			return runnertest.Fate{}
		}
		if strings.EqualFold(cmd[1], "get-master-addr-by-name") {
			host, port, err := net.SplitHostPort(w.Addr)
			if err != nil {
				t.Error(err)
			}
			return runnertest.Fate{Answer: runnertest.Strings(host, port)}
		}
		return runnertest.Fate{Answer: "*0\r\n"}
	})
	return s
}

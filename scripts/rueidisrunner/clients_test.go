package rueidisrunner_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/runnertest"
)

// topologies are the kinds of client, and the options that change how one sends commands. timeout
// is ConnWriteTimeout, 0 for patience.
var topologies = map[string]func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client{
	"single": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		return connect(t, timeout, single(w))
	},
	"single, always pipelining": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		o := single(w)
		o.AlwaysPipelining = true
		return connect(t, timeout, o)
	},
	"single, never pipelining": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		o := single(w)
		o.DisableAutoPipelining = true
		return connect(t, timeout, o)
	},
	"standalone": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		o := single(w)
		o.ForceSingleClient = false
		o.Standalone.EnableRedirect = true
		return connect(t, timeout, o)
	},
	"cluster": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		return connect(t, timeout, cluster(t, w))
	},
	"cluster, always pipelining": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		o := cluster(t, w)
		o.AlwaysPipelining = true
		return connect(t, timeout, o)
	},
	"sentinel": func(t testing.TB, w *runnertest.Wire, timeout time.Duration) rueidis.Client {
		return connect(t, timeout, sentinel(t, w))
	},
}

func single(w *runnertest.Wire) rueidis.ClientOption {
	return rueidis.ClientOption{InitAddress: []string{w.Addr}, ForceSingleClient: true}
}

// cluster returns the options for a cluster of one node that holds every slot.
func cluster(t testing.TB, w *runnertest.Wire) rueidis.ClientOption {
	w.Always("cluster", shards(t, w))
	return rueidis.ClientOption{InitAddress: []string{w.Addr}}
}

// shards returns the answer to CLUSTER SHARDS: the nodes share the slots evenly.
func shards(t testing.TB, nodes ...*runnertest.Wire) string {
	answer := fmt.Sprintf("*%d\r\n", len(nodes))
	for i, node := range nodes {
		host, port, err := net.SplitHostPort(node.Addr)
		if err != nil {
			t.Fatal(err)
		}
		first, last := i*16384/len(nodes), (i+1)*16384/len(nodes)-1
		answer += fmt.Sprintf("%%2\r\n+slots\r\n*2\r\n:%d\r\n:%d\r\n", first, last)
		answer += fmt.Sprintf("+nodes\r\n*1\r\n%%4\r\n+endpoint\r\n+%s\r\n+port\r\n:%s\r\n+role\r\n+master\r\n+health\r\n+online\r\n", host, port)
	}
	return answer
}

// sentinel starts a Sentinel which answers that the master of every name is at w, and returns the options for it.
func sentinel(t testing.TB, w *runnertest.Wire) rueidis.ClientOption {
	host, port, err := net.SplitHostPort(w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s := runnertest.New(t)
	for _, name := range []string{"subscribe", "unsubscribe"} {
		var pushes string
		for _, channel := range []string{"+sentinel", "+slave", "-sdown", "+sdown", "+switch-master", "+reboot"} {
			pushes += fmt.Sprintf(">3\r\n+%s\r\n+%s\r\n:0\r\n", name, channel)
		}
		s.Always(name, pushes)
	}
	s.Decide(func(cmd []string) runnertest.Fate {
		switch {
		case cmd[0] != "sentinel":
			return runnertest.Fate{}
		case strings.EqualFold(cmd[1], "get-master-addr-by-name"):
			return runnertest.Fate{Answer: runnertest.Strings(host, port)}
		}
		return runnertest.Fate{Answer: "*0\r\n"}
	})
	w.Always("role", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n")
	return rueidis.ClientOption{
		InitAddress: []string{s.Addr},
		Sentinel:    rueidis.SentinelOption{MasterSet: "main"},
	}
}

// patience is how long a client waits for what will come: longer than any machine takes.
const patience = 2 * time.Minute

func connect(t testing.TB, timeout time.Duration, o rueidis.ClientOption) rueidis.Client {
	t.Helper()
	o.DisableCache = true // miniredis has no CLIENT TRACKING
	o.ConnWriteTimeout = cmp.Or(timeout, patience)
	o.Dialer.Timeout, o.Dialer.KeepAlive = patience, o.ConnWriteTimeout/5
	client, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// dialTo connects to the address in target, like a name whose target moves. While there is no address, nothing can be reached.
func dialTo(target *atomic.Value) func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
	return func(ctx context.Context, _ string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
		addr, ok := target.Load().(string)
		if !ok {
			return nil, errors.New("connection refused")
		}
		return dialer.DialContext(ctx, "tcp", addr)
	}
}

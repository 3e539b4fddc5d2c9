package conformance_test

import (
	"maps"
	"net"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// TestReplica connects clients to a replica instead of the primary. The replica refuses decisions that write. It answers
// Peeks and denials, which don't write, from its data. Without its primary, a replica that may not serve stale data refuses
// everything. When it is promoted, it continues with its counts.
func TestReplica(t *testing.T) {
	t.Parallel()
	readOnly := refusal{name: "READONLY", codes: []string{"READONLY "}, reads: true}
	masterDown := refusal{name: "MASTERDOWN", codes: []string{"MASTERDOWN "}}
	clients := map[string]func(t *testing.T, addr string) scripts.Runner{
		"goredis": func(t *testing.T, addr string) scripts.Runner {
			return errtest.Must(goredisrunner.New(goRedis(t, addr)))
		},
		"rueidis": func(t *testing.T, addr string) scripts.Runner {
			return errtest.Must(rueidisrunner.New(newRueidis(t, addr)))
		},
	}
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			primary := newOwnServer(t, kind, "--repl-diskless-sync-delay", "0")
			replica := newOwnServer(t, kind, "--replica-serve-stale-data", "no")
			host, port := primary.address(t)
			replica.do(t, "REPLICAOF", host, port)
			until(t, "the replica is in step", func() bool { return replica.info(t, "replication", "master_link_status") == "up" })

			type client struct {
				name, prefix string
				replica      []asker
			}
			var all []client
			left := map[string]int64{}
			for name, connect := range clients {
				c := client{name, "answers-" + t.Name() + "-" + name, nil}
				onPrimary := askers(t, connect(t, primary.addr), c.prefix)
				for _, a := range onPrimary {
					left[name+a.name] = a.ask(t)
					a.fill(t)
				}
				before := primary.stored(t, c.prefix)
				arrived := func() bool { return maps.Equal(primary.stored(t, c.prefix), replica.contents(t, c.prefix)) }
				until(t, "the replica has it all", arrived)
				c.replica = askers(t, connect(t, replica.addr), c.prefix)
				for _, a := range c.replica {
					a.isRefused(t, readOnly, left[name+a.name])
				}
				if after := primary.stored(t, c.prefix); !maps.Equal(before, after) {
					t.Errorf("%s: the primary before and after:\n%q\n%q", name, before, after)
				}
				for _, a := range onPrimary {
					if now := a.ask(t); now != left[name+a.name]-1 {
						t.Errorf("%s: %d left before, and %d when the primary is asked next, want one less", a.name, left[name+a.name], now)
					}
					left[name+a.name]--
				}
				until(t, "the replica has it all", arrived)
				all = append(all, c)
			}

			_, _ = primary.Do("SHUTDOWN", "NOSAVE") // the server ends without an answer
			until(t, "the replica knows", func() bool { return replica.info(t, "replication", "master_link_status") == "down" })
			for _, c := range all {
				for _, a := range c.replica {
					a.isRefused(t, masterDown, left[c.name+a.name])
				}
			}
			replica.do(t, "REPLICAOF", "NO", "ONE")
			for _, c := range all {
				for _, a := range c.replica {
					if now := a.ask(t); now != left[c.name+a.name]-1 {
						t.Errorf("%s: %d left before, and %d when the promoted replica is asked, want one less", a.name, left[c.name+a.name], now)
					}
				}
			}
		})
	}
}

// address returns the server's host and port, as commands take them.
func (own ownServer) address(t *testing.T) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(own.addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

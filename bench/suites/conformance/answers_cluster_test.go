package conformance_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// TestClusterAnswers moves the slots of limiters from one node of a cluster to another and back. A plain client gets each redirect as
// an error, and nothing is charged. A cluster client follows it, and each call is charged once.
func TestClusterAnswers(t *testing.T) {
	t.Parallel()
	asks := refusal{name: "ASK", codes: []string{"ASK "}}
	moved := refusal{name: "MOVED", codes: []string{"MOVED "}}
	down := refusal{name: "CLUSTERDOWN", codes: []string{"CLUSTERDOWN "}, begin: loseSlot("0")}
	unserved := refusal{name: "CLUSTERDOWN slot", codes: []string{"CLUSTERDOWN "}, begin: loseSlot("")}
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			home, away := newNode(t, kind), newNode(t, kind)
			addAllSlots(t, home.Conn)
			waitForCluster(t, home.Conn)
			single, cluster := singleClients(t, home), clusterClients(t, home)
			for name, run := range merged(single, cluster) {
				t.Run(strings.ReplaceAll("CLUSTERDOWN/"+name, " ", "-"), func(t *testing.T) { down.test(t, home, run) })
			}
			for name, run := range single { // cluster clients send nothing for a slot without a node
				t.Run("CLUSTERDOWN-slot/"+name, func(t *testing.T) { unserved.test(t, home, run) })
			}

			host, port := away.address(t)
			home.do(t, "CLUSTER", "MEET", host, port)
			waitForCluster(t, away.Conn)
			for _, node := range []ownServer{home, away} { // on a slow machine, a node must not be taken for failed
				node.do(t, "CONFIG", "SET", "cluster-node-timeout", "15000")
			}
			settle(t, away, home, []string{"0"}) // so that away stays a primary without the other slots
			slots := []string{home.slot(t, "k"), home.slot(t, "full")}
			callers := map[string]*caller{}
			for name, run := range merged(single, cluster) {
				callers[name] = newCaller(t, name, run)
			}
			all := func(name string, each func(t *testing.T, c *caller)) {
				t.Run(name, func(t *testing.T) {
					for name, c := range callers {
						t.Run(name, func(t *testing.T) { each(t, c) })
					}
				})
			}
			answered := func(t *testing.T, c *caller) { c.isAnswered(t) }
			// refusedBy returns a check: a plain client of home gets the refusal r, and a cluster client is answered.
			refusedBy := func(r refusal) func(t *testing.T, c *caller) {
				return func(t *testing.T, c *caller) {
					if _, knows := cluster[c.name]; knows {
						c.isAnswered(t)
						return
					}
					for _, a := range c.askers {
						a.isRefused(t, r, c.left[a.name])
					}
					if here := home.contents(t, c.prefix); len(here) > 0 {
						t.Errorf("written where the keys are no longer: %q", here)
					}
				}
			}

			all("before", answered)
			offer(t, home, away, slots)
			all("offered", answered)
			move(t, home, away, slots)
			all("ASK", refusedBy(asks))
			settle(t, away, home, slots)
			all("MOVED", refusedBy(moved))
			offer(t, away, home, slots)
			move(t, away, home, slots)
			settle(t, home, away, slots)
			all("back", answered)
		})
	}
}

// newNode starts a server in cluster mode that announces its address from the start.
func newNode(t *testing.T, kind servers.Kind) ownServer {
	t.Helper()
	node := newOwnServer(t, kind, "--cluster-enabled", "yes",
		"--cluster-node-timeout", "500") // how long the node waits before it reports that the cluster is up
	host, _ := node.address(t)
	node.do(t, "CONFIG", "SET", "cluster-announce-ip", host)
	return node
}

// singleClients returns plain clients of one node.
func singleClients(t *testing.T, node ownServer) map[string]scripts.Runner {
	t.Helper()
	return map[string]scripts.Runner{
		"goredis": errtest.Must(goredisrunner.New(goRedis(t, node.addr))),
		"rueidis": errtest.Must(rueidisrunner.New(newRueidis(t, node.addr))),
	}
}

// clusterClients returns cluster clients, which find the other nodes through the first one.
func clusterClients(t *testing.T, first ownServer) map[string]scripts.Runner {
	t.Helper()
	options := rueidisOptions(first.addr)
	options.ForceSingleClient = false
	return map[string]scripts.Runner{
		"goredis cluster": goRedisCluster(t, first.addr),
		"rueidis cluster": errtest.Must(rueidisrunner.New(connectRueidis(t, options))),
	}
}

func goRedisCluster(t *testing.T, addr string) scripts.Runner {
	t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}, ReadTimeout: hung})
	t.Cleanup(func() { _ = client.Close() })
	return errtest.Must(goredisrunner.New(client))
}

func merged(all ...map[string]scripts.Runner) map[string]scripts.Runner {
	merged := map[string]scripts.Runner{}
	for _, some := range all {
		maps.Copy(merged, some)
	}
	return merged
}

// loseSlot returns a function that takes a slot from its node, so that no node has it. "" means the slot of the key "k".
func loseSlot(slot string) func(*testing.T, ownServer) func() {
	return func(t *testing.T, own ownServer) func() {
		slot := slot
		if slot == "" {
			slot = own.slot(t, "k")
		}
		own.do(t, "CLUSTER", "DELSLOTS", slot)
		until(t, "the cluster is down", func() bool {
			return strings.Contains(fmt.Sprint(own.do(t, "CLUSTER", "INFO")), "cluster_state:fail")
		})
		return func() {
			own.do(t, "CLUSTER", "ADDSLOTS", slot)
			waitForCluster(t, own.Conn)
		}
	}
}

// slot returns the slot of the keys that limiters store for key.
func (own ownServer) slot(t *testing.T, key string) string {
	t.Helper()
	return fmt.Sprint(own.do(t, "CLUSTER", "KEYSLOT", "{"+key+"}"))
}

// A caller is a client whose calls are counted from one stage to the next.
type caller struct {
	name, prefix string
	askers       []asker
	left         map[string]int64
}

func newCaller(t *testing.T, name string, run scripts.Runner) *caller {
	t.Helper()
	prefix := "answers-" + strings.ReplaceAll(t.Name()+"-"+name, " ", "-")
	c := &caller{name, prefix, askers(t, run, prefix), map[string]int64{}}
	for _, a := range c.askers {
		c.left[a.name] = a.ask(t)
		a.fill(t)
	}
	return c
}

// isAnswered checks that one more request is admitted and charged once, and that a request of the full key is denied.
func (c *caller) isAnswered(t *testing.T) {
	t.Helper()
	for _, a := range c.askers {
		left := a.ask(t)
		if left != c.left[a.name]-1 {
			t.Errorf("%s: %d left before, and %d when asked next, want one less", a.name, c.left[a.name], left)
		}
		c.left[a.name] = left
		if got, err := a.allow(soon(t), "full"); err != nil || got != denied {
			t.Errorf("%s, where nothing is left: %d, %v, want it denied", a.name, got, err)
		}
	}
}

// offer begins to move slots from one node to another.
func offer(t *testing.T, from, to ownServer, slots []string) {
	t.Helper()
	for _, slot := range slots {
		to.do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", fmt.Sprint(from.do(t, "CLUSTER", "MYID")))
		from.do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", fmt.Sprint(to.do(t, "CLUSTER", "MYID")))
	}
}

// move moves the keys of the slots.
func move(t *testing.T, from, to ownServer, slots []string) {
	t.Helper()
	host, port := to.address(t)
	for _, slot := range slots {
		command := []string{"MIGRATE", host, port, "", "0", "5000", "KEYS"}
		for _, key := range from.do(t, "CLUSTER", "GETKEYSINSLOT", slot, "1000").([]any) {
			command = append(command, key.(string))
		}
		from.do(t, command...)
	}
}

// settle makes owner the owner of the slots, and waits until both nodes see the same cluster. If the slots moved on before, a
// late message of the other node could take them from their next owner, and no node would have them.
func settle(t *testing.T, owner, other ownServer, slots []string) {
	t.Helper()
	id := fmt.Sprint(owner.do(t, "CLUSTER", "MYID"))
	for _, slot := range slots {
		owner.do(t, "CLUSTER", "SETSLOT", slot, "NODE", id)
		other.do(t, "CLUSTER", "SETSLOT", slot, "NODE", id)
	}
	until(t, "both nodes see the same slots and config epochs", func() bool { return owner.view(t) == other.view(t) })
}

// view returns the config epoch and the slots of each node, as this node sees them.
func (own ownServer) view(t *testing.T) string {
	t.Helper()
	var nodes []string
	for _, line := range strings.Split(strings.TrimSpace(fmt.Sprint(own.do(t, "CLUSTER", "NODES"))), "\n") {
		fields := strings.Fields(line) // id, address, flags, master, ping, pong, config epoch, link, slots
		nodes = append(nodes, strings.Join(slices.Concat(fields[:1], fields[6:7], fields[8:]), " "))
	}
	slices.Sort(nodes)
	return strings.Join(nodes, "\n")
}

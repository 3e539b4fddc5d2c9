package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

// slots is the number of slots of a cluster.
const slots = 16384

// healthTimeout is the timeout for the start of a server, and for a group of servers to become healthy.
const healthTimeout = 2 * time.Minute

// Cluster is a running Redis or Valkey cluster.
type Cluster struct {
	Nodes []*Server // the initial masters come first

	ids  []string // of the nodes; they never change
	stop func() error
}

// Timeouts of a [Cluster] or [Sentinel]: a node that doesn't answer for this time is regarded as failed.
const (
	// With Watchful, a master that has died is replaced after about three seconds. On a busy machine, a live master may be
	// replaced too.
	Watchful = 1500 * time.Millisecond
	// With Steady, no slow node is regarded as failed, so each node keeps its role.
	Steady = 5 * time.Minute
)

// RunCluster starts a cluster of masters, each with a number of replicas, and waits until it is healthy. The master of node i
// is node i modulo masters. The timeout is [Steady]. args are further options for all nodes. The caller must close the cluster.
func RunCluster(ctx context.Context, k Kind, masters, replicas int, args ...string) (*Cluster, error) {
	orders := make([]order, masters*(1+replicas))
	for i := range orders {
		orders[i].options = append([]string{
			"--cluster-enabled", "yes",
			"--cluster-node-timeout", strconv.FormatInt(Steady.Milliseconds(), 10),
			"--repl-diskless-sync-delay", "0", // by default a replica gets its data only after 5 seconds
		}, args...)
	}
	g, err := launch(ctx, k, orders...)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Nodes: g.servers, ids: make([]string, len(orders)), stop: g.stop}
	if err := c.form(ctx, masters); err != nil {
		return nil, errors.Join(fmt.Errorf("can't form a cluster of %s: %w", k.Name, err), c.Close())
	}
	return c, nil
}

// StartCluster is like RunCluster, but for one test: it stops the cluster when the test ends, and an error fails the test.
func StartCluster(tb testing.TB, k Kind, masters, replicas int, args ...string) *Cluster {
	tb.Helper()
	c, err := RunCluster(tb.Context(), k, masters, replicas, args...)
	if err != nil {
		tb.Fatal(err)
	}
	c.Nodes[0].endWith(tb, c.Close)
	return c
}

// SetTimeout sets the timeout of all nodes, such as [Watchful] or [Steady]. A node that is started again is [Steady].
func (c *Cluster) SetTimeout(ctx context.Context, timeout time.Duration) error {
	for _, node := range c.Nodes {
		_, err := call(ctx, node.Addr, "CONFIG", "SET", "cluster-node-timeout", strconv.FormatInt(timeout.Milliseconds(), 10))
		if err != nil {
			return err
		}
	}
	return nil
}

// Close stops all nodes and removes their files.
func (c *Cluster) Close() error { return c.stop() }

// Seeds returns the addresses with which a client is configured.
func (c *Cluster) Seeds() []string { return addrs(c.Nodes) }

// form makes a cluster of separate nodes.
func (c *Cluster) form(ctx context.Context, masters int) (err error) {
	for i, node := range c.Nodes {
		if c.ids[i], err = call(ctx, node.Addr, "CLUSTER", "MYID"); err != nil {
			return err
		}
		if _, err := call(ctx, node.Addr, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return err
		}
		if i < masters {
			command := []string{"CLUSTER", "ADDSLOTS"} // ADDSLOTSRANGE exists only since Redis 7.0
			for slot := i * slots / masters; slot < (i+1)*slots/masters; slot++ {
				command = append(command, strconv.Itoa(slot))
			}
			if _, err := call(ctx, node.Addr, command...); err != nil {
				return err
			}
		}
		// Each node meets all nodes before it, because discovery by gossip would take longer.
		for _, other := range c.Nodes[:i] {
			if err := meet(ctx, node, other); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	for i, node := range c.Nodes[masters:] {
		err := poll(ctx, func(ctx context.Context) error { // until the replica knows its master
			_, err := call(ctx, node.Addr, "CLUSTER", "REPLICATE", c.ids[i%masters])
			return err
		})
		if err != nil {
			return err
		}
	}
	return c.AwaitHealthy(ctx)
}

// AwaitHealthy returns once all nodes see the same cluster, all slots are served, and all replicas follow their masters. It
// returns an error if that takes more than two minutes.
func (c *Cluster) AwaitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	err := poll(ctx, c.healthy)
	if err != nil {
		return fmt.Errorf("the cluster is not healthy: %w", err)
	}
	return nil
}

// healthy returns an error if the cluster is not healthy.
func (c *Cluster) healthy(ctx context.Context) error {
	var first string
	for i, node := range c.Nodes {
		state, err := call(ctx, node.Addr, "CLUSTER", "INFO")
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		if state := fields(state)["cluster_state"]; state != "ok" {
			return fmt.Errorf("node %d: cluster_state:%s", i, state)
		}
		peers, err := peersOf(ctx, node)
		if err != nil {
			return err
		}
		if len(peers) != len(c.Nodes) {
			return fmt.Errorf("node %d knows %d nodes", i, len(peers))
		}
		view := fmt.Sprint(peers)
		if i == 0 {
			first = view
		}
		if view != first {
			return fmt.Errorf("node %d sees the cluster as %s, the first node as %s", i, view, first)
		}
		if _, err := following(ctx, node); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nil
}

// following reports whether a node is a replica. It returns an error if the replica doesn't follow its master.
func following(ctx context.Context, node *Server) (bool, error) {
	repl, err := info(ctx, node.Addr, "replication")
	if err != nil || repl["role"] == "master" {
		return false, err
	}
	if repl["master_link_status"] != "up" {
		return true, fmt.Errorf("master_link_status:%s", repl["master_link_status"])
	}
	return true, nil
}

// Master returns the node that claims to serve a slot. If several nodes do, because one doesn't know yet that it was replaced,
// it returns the one with the latest claim.
func (c *Cluster) Master(ctx context.Context, slot int) (*Server, error) {
	i := claimant(c.selves(ctx), slot)
	if i < 0 {
		return nil, fmt.Errorf("no node serves slot %d", slot)
	}
	return c.Nodes[i], nil
}

// Replicas returns the nodes that say they are replicas of a master.
func (c *Cluster) Replicas(ctx context.Context, master *Server) ([]*Server, error) {
	of := slices.Index(c.Nodes, master)
	if of < 0 {
		return nil, fmt.Errorf("%s is no node of this cluster", master)
	}
	var replicas []*Server
	for i, p := range c.selves(ctx) {
		if p.master == c.ids[of] {
			replicas = append(replicas, c.Nodes[i])
		}
	}
	return replicas, nil
}

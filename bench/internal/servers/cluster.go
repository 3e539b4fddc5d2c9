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

// healthTimeout is how long a server may take to start, and a group of servers to find together.
const healthTimeout = 2 * time.Minute

// Cluster is a running Redis or Valkey cluster.
type Cluster struct {
	Nodes []*Server // first those that began as masters

	ids  []string // of the nodes, for life
	stop func() error
}

// How long a node of a cluster may be silent before the others take it for dead.
const (
	// Watchful replaces a master that has died after some three seconds, or one that a busy machine has given no processor
	// time.
	Watchful = 1500 * time.Millisecond
	// Steady takes no slow node for dead.
	Steady = 5 * time.Minute
)

// RunCluster starts a cluster of so many masters, each with so many replicas, and waits until it is
// healthy. It is [Steady] from then on if there are no replicas, and else [Watchful].
// args are further options of all nodes. The caller closes it.
func RunCluster(ctx context.Context, k Kind, masters, replicas int, args ...string) (*Cluster, error) {
	orders := make([]order, masters*(1+replicas))
	for i := range orders {
		orders[i].options = append([]string{
			"--cluster-enabled", "yes",
			"--cluster-node-timeout", strconv.FormatInt(Watchful.Milliseconds(), 10),
			"--repl-diskless-sync-delay", "0", // else a replica gets its data only after 5 seconds
		}, args...)
	}
	g, err := launch(ctx, k, orders...)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Nodes: g.servers, ids: make([]string, len(orders)), stop: g.stop}
	err = c.form(ctx, masters)
	if err == nil && replicas == 0 {
		err = c.SetTimeout(ctx, Steady)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("form a cluster of %s: %w", k.Name, err), c.Close())
	}
	return c, nil
}

// StartCluster starts a cluster for one test, and stops it when the test ends. If that fails, the test fails.
func StartCluster(tb testing.TB, k Kind, masters, replicas int, args ...string) *Cluster {
	tb.Helper()
	c, err := RunCluster(tb.Context(), k, masters, replicas, args...)
	if err != nil {
		tb.Fatal(err)
	}
	c.Nodes[0].endWith(tb, c.Close)
	return c
}

// SetTimeout sets how long a node may be silent before the others take it for dead: [Watchful] or [Steady]. A node that is
// started again is watchful.
func (c *Cluster) SetTimeout(ctx context.Context, timeout time.Duration) error {
	for _, node := range c.Nodes {
		_, err := call(ctx, node.Addr, "CONFIG", "SET", "cluster-node-timeout", strconv.FormatInt(timeout.Milliseconds(), 10))
		if err != nil {
			return err
		}
	}
	return nil
}

// Close stops all nodes and removes what they leave.
func (c *Cluster) Close() error { return c.stop() }

// Seeds are the addresses that a client starts from.
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
			command := []string{"CLUSTER", "ADDSLOTS"} // ADDSLOTSRANGE came with Redis 7.0
			for slot := i * slots / masters; slot < (i+1)*slots/masters; slot++ {
				command = append(command, strconv.Itoa(slot))
			}
			if _, err := call(ctx, node.Addr, command...); err != nil {
				return err
			}
		}
		// Each meets all before it: left to tell each other of their peers, they would take longer.
		for _, other := range c.Nodes[:i] {
			if err := meet(ctx, node, other); err != nil {
				return err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	for i, node := range c.Nodes[masters:] {
		err := poll(ctx, func(ctx context.Context) error { // until it knows its master
			_, err := call(ctx, node.Addr, "CLUSTER", "REPLICATE", c.ids[i%masters])
			return err
		})
		if err != nil {
			return err
		}
	}
	return c.AwaitHealthy(ctx)
}

// AwaitHealthy returns once all nodes see the same cluster, whose slots are all served, and all
// replicas follow their masters. It waits two minutes at most.
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
			return fmt.Errorf("node %d sees %d nodes", i, len(peers))
		}
		view := fmt.Sprint(peers)
		if i == 0 {
			first = view
		}
		if view != first {
			return fmt.Errorf("node %d sees %s, the first %s", i, view, first)
		}
		if _, err := following(ctx, node); err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nil
}

// following tells whether a node is a replica, and if so what keeps it from following its master.
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

// Master returns the node that serves a slot, which is what that node says itself: if several do,
// because one does not know yet that it was replaced, the one whose claim is the latest.
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

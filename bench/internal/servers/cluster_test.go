package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestCluster moves a slot of a cluster, and then kills one of its masters. It uses a single cluster, because starting one
// takes long.
func TestCluster(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			c := StartCluster(t, kind, 3, 1)
			t.Logf("healthy %v after the start", time.Since(begin))
			for i, node := range c.Nodes[:3] {
				if replicas, err := c.Replicas(t.Context(), node); err != nil || !slices.Equal(replicas, c.Nodes[i+3:i+4]) {
					t.Errorf("master %d has replicas %v, %v", i, replicas, err)
				}
			}
			clients := clusterClients(t, c)
			moveSlot(t, c, clients)
			failOver(t, c, clients)
		})
	}
}

// moveSlot moves a slot and checks that clients always find its keys.
func moveSlot(t *testing.T, c *Cluster, clients []user) {
	const slot, keys = 12182, 2*keysPerStep + 1 // the slot of {foo}
	key := func(i int) string { return fmt.Sprint("{foo}", i) }
	for i := range keys {
		if err := clients[i%2].set(t.Context(), key(i), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	found := func() error {
		for i := range keys {
			if err := clients[i%2].holds(t.Context(), key(i), fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	}
	from, to := c.Nodes[2], c.Nodes[0]
	if master, err := c.Master(t.Context(), slot); err != nil || master != from {
		t.Fatalf("slot %d is with %v, %v", slot, master, err)
	}

	errStop := errors.New("stop")
	steps := 0
	stopHalfway := func() error {
		if steps++; steps == 4 {
			return errStop
		}
		return found()
	}
	if err := c.MoveSlot(t.Context(), slot, to, stopHalfway); !errors.Is(err, errStop) {
		t.Fatalf("a move stopped halfway: %v", err)
	}
	expectKeys(t, from, slot, 1)
	expectKeys(t, to, slot, 2*keysPerStep)
	if err := found(); err != nil {
		t.Errorf("halfway: %v", err)
	}

	steps = 0
	if err := c.MoveSlot(t.Context(), slot, to, func() error { steps++; return found() }); err != nil {
		t.Fatal(err)
	}
	if steps != 6 { // importing, migrating, the last key, and SETSLOT on three masters
		t.Errorf("the rest of the move took %d steps", steps)
	}
	expectKeys(t, from, slot, 0)
	expectKeys(t, to, slot, keys)
	if err := c.AwaitHealthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if master, err := c.Master(t.Context(), slot); err != nil || master != to {
		t.Errorf("slot %d is with %v, %v after its move", slot, master, err)
	}
	if err := found(); err != nil {
		t.Errorf("after the move: %v", err)
	}
	if err := c.MoveSlot(t.Context(), slot, to, func() error { return errStop }); err != nil {
		t.Errorf("moving a slot to its own master: %v", err)
	}
	if err := c.MoveSlot(t.Context(), slot, &Server{}, nil); err == nil {
		t.Errorf("a slot can be moved to a server outside the cluster")
	}
}

func expectKeys(t *testing.T, node *Server, slot int, want int64) {
	t.Helper()
	if n, err := ask(t.Context(), node.Addr, "CLUSTER", "COUNTKEYSINSLOT", fmt.Sprint(slot)); err != nil || n != want {
		t.Errorf("%s has %v keys of slot %d, %v, want %d", node.Addr, n, slot, err, want)
	}
}

// failOver kills a master, checks that its replica replaces it, and that the two are a master and its replica after the old
// master is revived. As the cluster is Watchful then, any of the two may be the master.
func failOver(t *testing.T, c *Cluster, clients []user) {
	const slot, key = 12182, "{foo}0"
	old, heir := c.Nodes[0], c.Nodes[3]
	setReplicated(t, old, key, "0", 1)
	if err := c.SetTimeout(t.Context(), Watchful); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := old.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("killed within %v", time.Since(begin))
	eventually(t, func(ctx context.Context) error {
		master, err := c.Master(ctx, slot)
		if err == nil && master != heir {
			return fmt.Errorf("%s took the place of %s", master.Addr, old.Addr)
		}
		return err
	})
	t.Logf("replaced %v after the kill", time.Since(begin))
	recovers(t, clients, key, "0")
	begin = time.Now()
	if err := old.Revive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitHealthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("healthy %v after the revival", time.Since(begin))
	eventually(t, func(ctx context.Context) error {
		master, err := c.Master(ctx, slot)
		if err != nil {
			return err
		}
		other := old
		if master == old {
			other = heir
		}
		replicas, err := c.Replicas(ctx, master)
		if err == nil && !slices.Equal(replicas, []*Server{other}) {
			err = fmt.Errorf("the master %s has replicas %v", master.Addr, replicas)
		}
		return err
	})
	recovers(t, clients, key, "0")
}

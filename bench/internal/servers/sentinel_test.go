package servers

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestSentinel: a killed master is replaced, and clients find the new one. The old master is a replica after it is revived.
func TestSentinel(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			s := StartSentinel(t, kind)
			t.Logf("healthy %v after the start", time.Since(begin))
			old := s.Nodes[0]
			if master, err := s.Master(t.Context()); err != nil || master != old {
				t.Fatalf("the master is %v, %v", master, err)
			}
			clients := sentinelClients(t, s)
			setReplicated(t, old, "key", "kept", 2)
			recovers(t, clients, "key", "kept")

			if err := s.SetTimeout(t.Context(), Watchful); err != nil {
				t.Fatal(err)
			}
			begin = time.Now()
			if err := old.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("killed within %v", time.Since(begin))
			eventually(t, func(ctx context.Context) error {
				master, err := s.Master(ctx)
				if master == old {
					return fmt.Errorf("%s is still the master", old.Addr)
				}
				return err
			})
			t.Logf("replaced %v after the kill", time.Since(begin))
			recovers(t, clients, "key", "kept")

			if err := s.SetTimeout(t.Context(), Steady); err != nil {
				t.Fatal(err)
			}
			begin = time.Now()
			if err := old.Revive(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.AwaitHealthy(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("healthy %v after the revival", time.Since(begin))
			if master, err := s.Master(t.Context()); err != nil || master == old {
				t.Errorf("the master is %v, %v, want another one than before", master, err)
			}
			if repl, err := info(t.Context(), old.Addr, "replication"); err != nil || repl["role"] != "slave" {
				t.Errorf("the old master is a %s, %v", repl["role"], err)
			}
			recovers(t, clients, "key", "kept")
		})
	}
}

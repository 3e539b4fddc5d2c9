package conformance_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
)

// TestAllInOneSlot: for any KEY, the keys of all algorithms and names are in one slot, as a server
// in cluster mode computes it. The server would refuse scripts whose keys it can't assign to one
// node.
func TestAllInOneSlot(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			conn := resptest.Dial(t, servers.Start(t, kind, "--cluster-enabled", "yes").Addr)
			addAllSlots(t, conn)
			waitForCluster(t, conn)
			for i, key := range []string{"", "k", "}x", "{}", "a{b}c", "x}y", "\x00", "\xff", strings.Repeat("k", 1<<20)} {
				prefix := fmt.Sprintf("slots%d", i)
				for _, a := range all {
					for _, name := range []string{"", "read", "{"} {
						l, err := a.Over(conn)(oneInMidWindow(), algorithms.WithPrefix(prefix), algorithms.WithName(name))
						if err != nil {
							t.Fatal(err)
						}
						if err := l.Reset(context.Background(), key); err != nil {
							t.Fatal(err)
						}
						if r := ask(t, l, key, 1); !r.Allowed {
							t.Errorf("%s of %.10q: %+v", a.name, key, r)
						}
					}
				}
				oneSlot(t, conn, prefix)
			}
		})
	}
}

// oneSlot fails the test unless the prefix has the keys of all algorithms under three names, and
// all of them are in one slot.
func oneSlot(t *testing.T, conn *resptest.Conn, prefix string) {
	t.Helper()
	keys, err := conn.Dump(context.Background(), prefix)
	if err != nil || len(keys) != 5*3 {
		t.Fatalf("%s: %d keys, %v, want 15", prefix, len(keys), err)
	}
	slots := map[any]bool{}
	for key := range keys {
		slot, err := conn.Do("CLUSTER", "KEYSLOT", key)
		if err != nil {
			t.Fatal(err)
		}
		slots[slot] = true
	}
	if len(slots) != 1 {
		t.Errorf("%s: the keys of one KEY are in %d slots", prefix, len(slots))
	}
}

// addAllSlots gives the server all slots, one by one, because ADDSLOTSRANGE needs Redis 7.0.
func addAllSlots(t *testing.T, conn *resptest.Conn) {
	t.Helper()
	command := []string{"CLUSTER", "ADDSLOTS"}
	for slot := range 16384 {
		command = append(command, strconv.Itoa(slot))
	}
	if _, err := conn.Do(command...); err != nil {
		t.Fatal(err)
	}
}

// waitForCluster waits until the server has found that it has all slots.
func waitForCluster(t *testing.T, conn *resptest.Conn) {
	t.Helper()
	late := time.After(hung)
	for {
		info, err := conn.Do("CLUSTER", "INFO")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(info.(string), "cluster_state:ok") {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			t.Fatalf("the cluster does not come up: %s", info)
		}
	}
}

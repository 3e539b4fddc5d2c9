package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/shared/target"
)

// TestFloorsCallTheSame: a floor makes the same calls as its limiter for admitted and for denied requests, and its keys hold
// as many bytes.
func TestFloorsCallTheSame(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			clients := dial(t, target.Place{Network: "tcp", Addrs: []string{servers.Shared(t, kind).Addr}})
			for _, name := range []string{"gcra", "fixedwindow", "slidinglog", "queue"} {
				for state, setting := range map[string]Setting{
					"admitted": {Limit: algorithms.PerDay(1000)}, // a key outlives the test
					"denied":   {Limit: algorithms.PerDay(1), Full: true},
				} {
					t.Run(name+" "+state, func(t *testing.T) {
						real, realSize := callsOf(t, clients, "weir-"+name, setting)
						floor, floorSize := callsOf(t, clients, "floor-"+name, setting)
						// The number of TTL renewals depends on the time that passes.
						delete(real, "pexpire")
						delete(floor, "pexpire")
						if !maps.Equal(real, floor) {
							t.Errorf("calls of the floor: %v, want %v", floor, real)
						}
						if setting.Full && realSize != floorSize {
							t.Errorf("the floor's key holds %d bytes, want %d", floorSize, realSize)
						}
					})
				}
			}
		})
	}
}

// callsOf returns the number of calls of each command for twenty requests for a key that had one before, and the number of
// bytes that the key then holds.
func callsOf(t *testing.T, clients *Clients, name string, s Setting) (calls map[string]string, size int) {
	t.Helper()
	s.Prefix = newPrefix()
	before := keysOf(t, clients.GoRedis)
	allow, err := named(t, name).Open(clients, s)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want bool) {
		t.Helper()
		if allowed, err := allow(t.Context(), s.Prefix); err != nil || allowed != want {
			t.Fatalf("%s: admitted %v, %v", name, allowed, err)
		}
	}
	ask(true)
	if err := clients.GoRedis.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		ask(!s.Full)
	}
	calls = commandCalls(t, clients.GoRedis)
	if len(calls) == 0 {
		t.Fatalf("%s: no calls", name)
	}
	for _, key := range keysOf(t, clients.GoRedis) {
		if !slices.Contains(before, key) {
			size += sizeOf(t, clients.GoRedis, key)
		}
	}
	return calls, size
}

// named returns the peer of that name.
func named(t *testing.T, name string) Peer {
	t.Helper()
	i := slices.IndexFunc(peers, func(p Peer) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no peer %s", name)
	}
	return peers[i]
}

// commandCalls returns the number of calls of each command on the server, without those for connections and those of this
// test.
func commandCalls(t *testing.T, client redis.UniversalClient) map[string]string {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]string{}
	for line := range strings.Lines(info) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !ok {
			continue
		}
		switch command, _, _ := strings.Cut(name, "|"); command {
		case "hello", "client", "ping", "info", "config":
		default:
			calls[name], _, _ = strings.Cut(rest, ",")
		}
	}
	return calls
}

// sizeOf returns the number of bytes in a string or in the elements of a list.
func sizeOf(t *testing.T, client redis.UniversalClient, key string) int {
	t.Helper()
	elements, err := client.LRange(t.Context(), key, 0, -1).Result()
	if redis.HasErrorPrefix(err, "WRONGTYPE") {
		var value string
		value, err = client.Get(t.Context(), key).Result()
		elements = []string{value}
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(strings.Join(elements, ""))
}

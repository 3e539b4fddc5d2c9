package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/shared/target"
)

func TestMain(m *testing.M) { servers.Main(m) }

// dial returns a worker's clients for a server.
func dial(t *testing.T, place target.Place) *Clients {
	t.Helper()
	place.ReadTimeout = time.Minute
	clients, err := connect(place, &wire{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := clients.Close(); err != nil {
			t.Error(err)
		}
	})
	return clients
}

// eachPeer runs a test with every peer on every server that it fits. It fails for a peer that unexpectedly doesn't fit.
func eachPeer(t *testing.T, test func(t *testing.T, clients *Clients, peer Peer)) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			clients := dial(t, target.Place{Network: "tcp", Addrs: []string{servers.Shared(t, kind).Addr}})
			for _, peer := range peers {
				t.Run(peer.Name, func(t *testing.T) {
					if fits(t, clients, peer, unfit(kind)) {
						test(t, clients, peer)
					}
				})
			}
		})
	}
}

// unfit returns why peers don't fit a kind of server, by the name of the peer.
func unfit(kind servers.Kind) map[string]string {
	known := map[string]string{"increx": "the server has no command INCREX"}
	if kind.Name == "redis-6.0" {
		known["bare-incr"] = "the server's PEXPIRE has no option NX"
		known["rueidislimiter"] = "the server's SET has no option PXAT"
	}
	return known
}

// fits reports whether a peer can be measured. It fails the test if it can't and the reason isn't the known one.
func fits(t *testing.T, clients *Clients, peer Peer, known map[string]string) bool {
	t.Helper()
	if peer.Fits == nil {
		return true
	}
	err := peer.Fits(t.Context(), clients)
	if why := known[peer.Name]; err != nil && (why == "" || !strings.HasPrefix(err.Error(), why)) {
		t.Fatalf("does not fit: %v, want %q", err, why)
	}
	return err == nil
}

// newPrefix returns a random prefix, with which no other key begins.
func newPrefix() string { return fmt.Sprintf("weir-bench-%016x", rand.Uint64()) }

// inMidWindow returns a period of an hour or more, whose current aligned window doesn't end within ten minutes.
func inMidWindow() time.Duration {
	for period := time.Hour; ; period += time.Minute {
		now := time.Now().UTC()
		if now.Truncate(period).Add(period).Sub(now) > 10*time.Minute {
			return period
		}
	}
}

// keysOf returns all keys on the server.
func keysOf(t *testing.T, client redis.UniversalClient) (all []string) {
	t.Helper()
	each := client.Scan(t.Context(), 0, "*", 1000).Iterator()
	for each.Next(t.Context()) {
		all = append(all, each.Val())
	}
	if err := each.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkKeys checks that new keys on the server contain the prefix and have a TTL.
func checkKeys(t *testing.T, client redis.UniversalClient, before []string, prefix string) {
	t.Helper()
	for _, key := range keysOf(t, client) {
		if slices.Contains(before, key) {
			continue
		}
		if !strings.Contains(key, prefix) {
			t.Errorf("the key %q does not contain the prefix %q", key, prefix)
		}
		if left, err := client.PTTL(t.Context(), key).Result(); err != nil || left <= 0 {
			t.Errorf("the key %q has the TTL %v, %v", key, left, err)
		}
	}
}

// limitOf returns the limit for a test of a peer. Floors get a larger limit, because their replies are constants that don't
// fit a small limit.
func limitOf(peer Peer, limit algorithms.Limit) algorithms.Limit {
	switch {
	case !strings.HasPrefix(peer.Name, "floor-"):
		return limit
	case limit.Rate == 1:
		return algorithms.PerDay(1)
	}
	return algorithms.PerHour(1_000_000)
}

// TestDecides: every limiter admits the first Rate requests and denies the rest. Floors don't decide, except for the bare
// commands of a fixed window.
func TestDecides(t *testing.T) {
	const rate, requests = 10, 25
	eachPeer(t, func(t *testing.T, clients *Clients, peer Peer) {
		before, prefix := keysOf(t, clients.GoRedis), newPrefix()
		allow, err := peer.Open(clients, Setting{Limit: limitOf(peer, algorithms.Per(rate, inMidWindow())), Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		for i := range requests {
			allowed, err := allow(t.Context(), prefix+":key")
			if err != nil {
				t.Fatalf("request %d: %v", i+1, err)
			}
			if want := i < rate || strings.HasPrefix(peer.Name, "floor-"); allowed != want {
				t.Errorf("request %d: admitted %v", i+1, allowed)
			}
		}
		checkKeys(t, clients.GoRedis, before, prefix)
	})
}

// TestFull: a full key admits its first request and denies the others. floor-return keeps no state, so it denies the first too.
func TestFull(t *testing.T) {
	eachPeer(t, func(t *testing.T, clients *Clients, peer Peer) {
		before, prefix := keysOf(t, clients.GoRedis), newPrefix()
		allow, err := peer.Open(clients, Setting{Limit: limitOf(peer, algorithms.Per(1, inMidWindow())), Full: true, Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 21 {
			allowed, err := allow(t.Context(), prefix+":key")
			if err != nil {
				t.Fatalf("request %d: %v", i+1, err)
			}
			if want := i == 0 && peer.Name != "floor-return"; allowed != want {
				t.Errorf("request %d: admitted %v", i+1, allowed)
			}
		}
		checkKeys(t, clients.GoRedis, before, prefix)
	})
}

// TestContention: under contention, Weir's limiters admit exactly their limit. Other limiters may admit more or fewer
// requests, but must not fail, except for those that fail if they lose a race.
func TestContention(t *testing.T) {
	const rate, goroutines, requests = 100, 64, 20
	losers := map[string]string{"throttled": "Failed to store updated rate limit data"}
	eachPeer(t, func(t *testing.T, clients *Clients, peer Peer) {
		prefix := newPrefix()
		allow, err := peer.Open(clients, Setting{Limit: algorithms.PerDay(rate), Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		var admitted, failed atomic.Int64
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for range requests {
					allowed, err := allow(context.Background(), prefix+":key")
					if loses := losers[peer.Name]; err != nil && (loses == "" || !strings.HasPrefix(err.Error(), loses)) {
						t.Error(err)
						return
					}
					if err != nil {
						failed.Add(1)
					}
					if allowed {
						admitted.Add(1)
					}
				}
			})
		}
		all.Wait()
		t.Logf("admitted %d of %d, failed %d", admitted.Load(), rate, failed.Load())
		if strings.HasPrefix(peer.Name, "weir-") && admitted.Load() != rate {
			t.Errorf("admitted %d of %d", admitted.Load(), rate)
		}
	})
}

// TestCluster: on a cluster every limiter decides, or its Fits returns the reason why it can't be measured there.
func TestCluster(t *testing.T) {
	kind := servers.All()[0]
	cluster := servers.StartCluster(t, kind, 3, 0)
	clients := dial(t, target.Place{Network: "tcp", Addrs: cluster.Seeds(), Cluster: true})
	known := unfit(kind)
	known["httprate-redis"] = "not on a cluster: "
	known["go-redisstore"] = "not on a cluster or with sentinels: "
	for _, peer := range peers {
		t.Run(peer.Name, func(t *testing.T) {
			if !fits(t, clients, peer, known) {
				return
			}
			prefix := newPrefix()
			allow, err := peer.Open(clients, Setting{Limit: limitOf(peer, algorithms.Per(1, inMidWindow())), Full: true, Prefix: prefix})
			if err != nil {
				t.Fatal(err)
			}
			for k := range 20 { // of all three nodes
				for i := range 3 {
					allowed, err := allow(t.Context(), fmt.Sprint(prefix, ":", k))
					if err != nil {
						t.Fatalf("key %d, request %d: %v", k, i+1, err)
					}
					if want := i == 0 && peer.Name != "floor-return"; allowed != want {
						t.Errorf("key %d, request %d: admitted %v", k, i+1, allowed)
					}
				}
			}
		})
	}
}

// TestDescribed: the description of each peer is complete, and no two peers have the same name.
func TestDescribed(t *testing.T) {
	names := map[string]bool{}
	for _, peer := range peers {
		if names[peer.Name] {
			t.Errorf("two peers have the name %s", peer.Name)
		}
		names[peer.Name] = true
		if peer.Name == "" || peer.About == "" || peer.Client == "" || peer.Module == "" || peer.Open == nil {
			t.Errorf("%s: a field is empty in %+v", peer.Name, peer.Limiter)
		}
		if peer.Floor != "" && !named(t, peer.Floor).IsFloor() {
			t.Errorf("%s: there is no floor %q", peer.Name, peer.Floor)
		}
		if ours, version := strings.HasPrefix(peer.Module, "github.com/go-weir/"), versionOf(peer.Module); ours != (version == "") {
			t.Errorf("%s: version %q of %s", peer.Name, version, peer.Module)
		}
	}
}

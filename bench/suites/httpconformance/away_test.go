package httpconformance_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
)

// TestServerAway makes a Redis hang, die and start again, and die for ever, under load. Meanwhile requests are answered
// according to the policy. They don't wait for the client library, which would wait an hour for a server that hangs. OnError
// gets each failure. When the server is back, its counts continue, and decisions are exact.
func TestServerAway(t *testing.T) {
	t.Parallel()
	var kinds sync.WaitGroup // at the same time, because the tests mostly wait
	for _, kind := range servers.All() {
		kinds.Go(func() { t.Run(kind.Name, func(t *testing.T) { testServerAway(t, kind) }) })
	}
	kinds.Wait()
}

func testServerAway(t *testing.T, kind servers.Kind) {
	server := servers.Start(t, kind, "--appendonly", "yes", "--appendfsync", "always")
	stand := newStand(t, server.Addr)
	defer stand.load(t)()
	const before, after = 20, 60
	for _, way := range []struct {
		away        string
		leave, back func(context.Context) error
		is          error // every failure is this error, unless it is nil
	}{
		{"paused", server.Pause, server.Resume, context.DeadlineExceeded},
		{"killed", server.Kill, server.Revive, nil},
	} {
		stand.decides(t, way.away, before, map[int]int{http.StatusOK: before, http.StatusTooManyRequests: 0})
		if err := way.leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		stand.policiesAnswer(t, way.away, way.is)
		if err := way.back(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := capacity - before
		stand.decides(t, way.away, after, map[int]int{http.StatusOK: left, http.StatusTooManyRequests: after - left})
	}
	if reply, err := resptest.Dial(t, server.Addr).Do("SHUTDOWN", "NOSAVE"); err == nil {
		t.Fatalf("the server does not end: %v", reply)
	}
	stand.policiesAnswer(t, "ended", nil)
}

const (
	requests = 30 // to each middleware while the server is away, all at once
	crowded  = 8  // requests at once while the server is available
)

// policiesAnswer sends requests to each middleware while the server is unavailable, and compares the responses and the calls of OnError
// with the policy.
func (s *stand) policiesAnswer(t *testing.T, key string, is error) {
	t.Helper()
	want := map[string]map[int]int{
		"let pass":  {http.StatusOK: requests},
		"refuse":    {http.StatusServiceUnavailable: requests},
		"fall back": {http.StatusOK: capacity / sharers, http.StatusTooManyRequests: requests - capacity/sharers},
	}
	var asked sync.WaitGroup
	for _, g := range s.guards {
		asked.Go(func() {
			if got := s.ask(t, g.path, key, requests, requests); !maps.Equal(got, want[g.policy]) {
				t.Errorf("%s, %s: statuses %v, want %v", key, g.path, got, want[g.policy])
			}
			failures := g.told(key)
			if len(failures) != requests {
				t.Errorf("%s, %s: OnError was told of %d failures of %d requests", key, g.path, len(failures), requests)
			}
			for _, f := range failures {
				if f.Err == nil || f.Policy.String() != g.policy || is != nil && !errors.Is(f.Err, is) {
					t.Errorf("%s, %s: OnError was told %v, %v", key, g.path, f.Err, f.Policy)
				}
			}
		})
	}
	asked.Wait()
}

// decides sends requests over each client until n have been decided, and compares the responses. Right after the server's
// return, connections that were opened before may fail. These requests are repeated.
func (s *stand) decides(t *testing.T, key string, n int, want map[int]int) {
	t.Helper()
	for _, path := range s.patient {
		decided := map[int]int{}
		for left := n; left > 0; {
			got := s.ask(t, path, key, left, min(left, crowded))
			left = got[http.StatusServiceUnavailable]
			decided[http.StatusOK] += got[http.StatusOK]
			decided[http.StatusTooManyRequests] += got[http.StatusTooManyRequests]
		}
		if !maps.Equal(decided, want) {
			t.Errorf("%s, %s: statuses %v, want %v", key, path, decided, want)
		}
	}
}

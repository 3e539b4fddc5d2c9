package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// environment returns a getenv function with valid settings, changed by pairs of a name and a value. Its timeouts are long
// enough for a busy machine.
func environment(redis string, changes ...string) func(string) string {
	env := map[string]string{
		"REDIS_URL": "redis://" + redis + "?dial_timeout=1m", "RATE": "2/hour", "TIMEOUT": "1m", "NAME": "replica-1", "API_KEYS": "alice, bob",
	}
	for i := 0; i < len(changes); i += 2 {
		env[changes[i]] = changes[i+1]
	}
	return func(name string) string { return env[name] }
}

// startService returns the service over a miniredis of its own.
func startService(t *testing.T, changes ...string) (http.Handler, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	s, err := readSettings(environment(server.Addr(), changes...))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(s.redis)
	t.Cleanup(func() { _ = client.Close() })
	handler, err := newService(s, client)
	if err != nil {
		t.Fatal(err)
	}
	return handler, server
}

// get sends a request from an address, with header fields that are pairs of a name and a value.
func get(h http.Handler, path, from string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from + ":1234"
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestWhoCounts: two requests an hour pass for each known API key, and for each address if a request has no known key.
func TestWhoCounts(t *testing.T) {
	h, _ := startService(t, "TRUSTED_PROXIES", "1")
	const balancer = "10.0.0.1"
	for i, request := range []struct {
		forwarded, key string
		want           int
	}{
		{"192.0.2.1", "", 200},
		{"192.0.2.1", "", 200},
		{"192.0.2.1", "", 429},
		{"192.0.2.1", "made-up", 429},
		{"198.51.100.7, 192.0.2.1", "", 429},
		{"192.0.2.1", "alice", 200},
		{"192.0.2.2", "alice", 200},
		{"192.0.2.3", "alice", 429},
		{"192.0.2.1", "bob", 200},
		{"192.0.2.2", "", 200},
	} {
		w := get(h, "/", balancer, "X-Forwarded-For", request.forwarded, "X-API-Key", request.key)
		if w.Code != request.want || w.Header().Get("X-Served-By") != "replica-1" {
			t.Errorf("request %d: %d by %q, want %d by replica-1", i+1, w.Code, w.Header().Get("X-Served-By"), request.want)
		}
	}
}

// TestNoProxies: without trusted proxies, X-Forwarded-For is ignored.
func TestNoProxies(t *testing.T) {
	h, _ := startService(t)
	for i, want := range []int{200, 200, 429} {
		if w := get(h, "/", "192.0.2.1", "X-Forwarded-For", strings.Repeat("1", i+1)+".1.1.1"); w.Code != want {
			t.Errorf("request %d: %d, want %d", i+1, w.Code, want)
		}
	}
}

// TestHealth: health checks are not limited, write nothing to Redis, and are answered without Redis.
func TestHealth(t *testing.T) {
	h, server := startService(t)
	for range 5 {
		for _, path := range []string{"/healthz", "/readyz"} {
			if w := get(h, path, "192.0.2.1"); w.Code != http.StatusOK {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	}
	if keys := server.Keys(); len(keys) > 0 {
		t.Errorf("health left the keys %q", keys)
	}
	server.Close()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/": 503} {
		if w := get(h, path, "192.0.2.1"); w.Code != want {
			t.Errorf("%s without Redis: %d, want %d", path, w.Code, want)
		}
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if w := get(h, "/readyz", "192.0.2.1"); w.Code != http.StatusOK {
		t.Errorf("/readyz with Redis again: %d", w.Code)
	}
}

func TestSettings(t *testing.T) {
	s, err := readSettings(environment("localhost:6379", "RATE", "", "TIMEOUT", ""))
	if err != nil {
		t.Fatal(err)
	}
	if s.listen != ":8080" || s.rate.String() != "10/minute" || s.timeout != 250*time.Millisecond || s.proxies != 0 ||
		!s.redis.ContextTimeoutEnabled || s.redis.ReadTimeout != s.timeout || len(s.keys) != 2 || !s.keys["bob"] {
		t.Errorf("%+v", s)
	}
	if s, err := readSettings(environment("localhost:6379", "NAME", "")); err != nil || s.name == "" {
		t.Errorf("name %q, %v", s.name, err)
	}
	_, err = readSettings(environment("localhost:6379", "REDIS_URL", "", "RATE", "ten", "TIMEOUT", "0s", "TRUSTED_PROXIES", "-1"))
	for _, name := range []string{"REDIS_URL", "RATE", "TIMEOUT", "TRUSTED_PROXIES"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is wrong, which %v does not say", name, err)
		}
	}
}

package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return response
}

func TestGreeter(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = client.Close() })
	run, err := goredisrunner.New(client)
	if err != nil {
		t.Fatal(err)
	}
	limiter, err := gcra.New(run, algorithms.PerHour(2), algorithms.WithClock(func() time.Time { return time.Unix(1e9, 0) }))
	if err != nil {
		t.Fatal(err)
	}
	handler := greeter(limiter)
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests, http.StatusTooManyRequests} {
		response := get(t, handler, "/?key=alice")
		if response.Code != want {
			t.Errorf("request %d: status %d, want %d", i+1, response.Code, want)
		}
		if wait := response.Header().Get("Retry-After"); (wait == "1800") != (want == http.StatusTooManyRequests) {
			t.Errorf("request %d: Retry-After %q", i+1, wait)
		}
	}
	if response := get(t, handler, "/?key=bob"); response.Code != http.StatusOK || response.Body.String() != "hello, bob\n" {
		t.Errorf("another key: status %d, %q", response.Code, response.Body)
	}
	if response := get(t, handler, "/"); response.Code != http.StatusBadRequest {
		t.Errorf("no key: status %d", response.Code)
	}
}

// away is a server that can't be reached.
type away struct{}

func (away) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errors.New("connection refused")
}

func TestGreeterWithoutServer(t *testing.T) {
	limiter, err := gcra.New(away{}, algorithms.PerHour(2))
	if err != nil {
		t.Fatal(err)
	}
	if response := get(t, greeter(limiter), "/?key=alice"); response.Code != http.StatusOK {
		t.Errorf("status %d, want the greeting all the same", response.Code)
	}
}

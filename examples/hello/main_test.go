package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts"
)

func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return response
}

// unbounded is the part of a URL that makes a client wait for an hour, or forever.
const unbounded = "?dial_timeout=60m&read_timeout=-1&write_timeout=-1&max_retries=-1"

func TestGreeter(t *testing.T) {
	server := miniredis.RunT(t)
	server.SetTime(time.Unix(1e9, 0)) // its clock stands still
	limiter, err := limiterOn("redis://"+server.Addr()+unbounded, algorithms.PerHour(2))
	if err != nil {
		t.Fatal(err)
	}
	handler := greeter(limiter, time.Hour)
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

// TestGreeterWithoutServer: if the server can't be reached, or doesn't answer, the service still greets, after a bounded
// time.
func TestGreeterWithoutServer(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // clients can connect, but get no answer
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, address := range []net.Addr{silent.Addr(), closed.Addr()} {
		limiter, err := limiterOn("redis://"+address.String()+unbounded, algorithms.PerHour(2))
		if err != nil {
			t.Fatal(err)
		}
		if response := get(t, greeter(limiter, 250*time.Millisecond), "/?key=alice"); response.Code != http.StatusOK {
			t.Errorf("%v: status %d, want the greeting all the same", address, response.Code)
		}
	}
}

// patient is a runner whose server is away. It records the deadline of the call.
type patient struct{ until *time.Time }

func (p patient) Run(ctx context.Context, _ *scripts.Script, _, _ []string) ([]int64, error) {
	*p.until, _ = ctx.Deadline()
	return nil, errors.New("connection refused")
}

// TestPatience: the limiter is called with a deadline that is patience after the request.
func TestPatience(t *testing.T) {
	const patience = time.Minute
	var until time.Time
	limiter, err := gcra.New(patient{&until}, algorithms.PerHour(2))
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	get(t, greeter(limiter, patience), "/?key=alice")
	if after := time.Now(); until.Before(before.Add(patience)) || until.After(after.Add(patience)) {
		t.Errorf("a decision may take until %v, want %v after %v", until, patience, before)
	}
}

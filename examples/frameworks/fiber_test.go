package frameworks_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/examples/frameworks"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// Fiber isn't built on net/http: the function Fiber asks a Decider.
func Example_fiber() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(2), algorithms.WithClock(noon)) // over Redis: gcra.New(runner, algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	decider, err := httplimit.NewDecider(limiter)
	if err != nil {
		panic(err)
	}
	app := fiber.New()
	app.Use(frameworks.Fiber(decider))
	app.Get("/", func(c fiber.Ctx) error { return c.SendString("served") })

	for range 3 {
		response, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil), fiber.TestConfig{})
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			panic(err)
		}
		fmt.Println(response.StatusCode, response.Header.Get("Retry-After"), string(body))
	}
	// Output:
	// 200  served
	// 200  served
	// 429 1800 Too Many Requests
}

// keyed returns an app that asks the limiter about each request, with the key that the key function returns.
func keyed(t *testing.T, limiter algorithms.Limiter, key httplimit.KeyFunc) *fiber.App {
	t.Helper()
	decider, err := httplimit.NewDecider(limiter, httplimit.Key(key), httplimit.Timeout(time.Hour),
		httplimit.OnFailure(httplimit.Refuse), httplimit.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(frameworks.Fiber(decider))
	app.Get("/*", func(c fiber.Ctx) error { return c.SendString("served") })
	return app
}

// TestFiberKeys: the limiter can keep a key for longer than its request, although all requests of a connection reuse the
// same memory.
func TestFiberKeys(t *testing.T) {
	asked := &recorder{}
	app := keyed(t, asked, httplimit.Header("Caller"))
	app.Handler() // makes the server ready
	client, server := net.Pipe()
	defer client.Close()
	go func() { _ = app.Server().ServeConn(server) }() // until Close
	reader := bufio.NewReader(client)
	callers := []string{"alice", "bobby", "carol"}
	for _, caller := range callers {
		if _, err := fmt.Fprintf(client, "GET / HTTP/1.1\r\nHost: example.com\r\nCaller: %s\r\n\r\n", caller); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	if !slices.Equal(asked.keys, callers) {
		t.Errorf("the limiter has the keys %q, want %q", asked.keys, callers)
	}
}

// TestFiberRequest: key functions can read all parts of the request except its body, including repeated header fields.
func TestFiberRequest(t *testing.T) {
	for _, test := range []struct {
		name string
		key  httplimit.KeyFunc
		want string
	}{
		{"address behind two proxies", httplimit.ClientIP(httplimit.TrustedProxies(2)), "203.0.113.9"},
		{"path", httplimit.Path(), "/a"},
		{"parameter", httplimit.Query("q"), "7"},
		{"host", func(r *http.Request) string { return r.Host }, "example.com"},
		{"method", func(r *http.Request) string { return r.Method }, "GET"},
	} {
		asked := &recorder{}
		r := httptest.NewRequest(http.MethodGet, "/a?q=7", nil)
		r.Header["X-Forwarded-For"] = []string{"203.0.113.9", "10.0.0.2"}
		response, err := keyed(t, asked, test.key).Test(r, fiber.TestConfig{})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK || !slices.Equal(asked.keys, []string{test.want}) {
			t.Errorf("%s: %d, the keys are %q, want %q", test.name, response.StatusCode, asked.keys, test.want)
		}
	}
}

// TestFiberUnavailable: if there is no decision, the answer is 503.
func TestFiberUnavailable(t *testing.T) {
	asked := &recorder{err: io.ErrUnexpectedEOF}
	response, err := keyed(t, asked, httplimit.Path()).Test(httptest.NewRequest(http.MethodGet, "/", nil), fiber.TestConfig{})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q, want 503 and 1", response.StatusCode, response.Header.Get("Retry-After"))
	}
}

// A recorder admits every request, or fails, and keeps the keys.
type recorder struct {
	algorithms.Limiter
	keys []string
	err  error
}

func (r *recorder) AllowN(_ context.Context, key string, _ int64) (algorithms.Result, error) {
	r.keys = append(r.keys, key)
	return algorithms.Result{Allowed: true}, r.err
}

func (r *recorder) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return r.AllowN(ctx, key, 1)
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/slidinglog"
)

// runService runs a replica of the service. It also starts without Redis, but is not ready until Redis is available.
func runService(ctx context.Context, getenv func(string) string) error {
	s, err := readSettings(getenv)
	if err != nil {
		return err
	}
	client := redis.NewClient(s.redis)
	defer client.Close()
	handler, err := newService(s, client)
	if err != nil {
		return err
	}
	return listenAndServe(ctx, s.listen, handler, fmt.Sprintf("%s: %v", s.name, s.rate))
}

// newService returns the handler of all requests: / under the limit, /healthz for the health of this process, and /readyz for the
// health of this process and Redis.
func newService(s settings, client *redis.Client) (http.Handler, error) {
	// A sliding log admits at most the limit in any period. Its state is in Redis, which all replicas share.
	run, err := goredisrunner.New(client)
	if err != nil {
		return nil, err
	}
	limiter, err := slidinglog.New(run, s.rate)
	if err != nil {
		return nil, err
	}
	limited, err := httplimit.New(limiter,
		httplimit.Key(httplimit.First(
			httplimit.Hashed(s.apiKey),
			httplimit.ClientIP(httplimit.TrustedProxies(s.proxies)),
		)),
		httplimit.Timeout(s.timeout),
		// Without Redis no request is served, so that the limit is exact; httplimit logs that. If the limit should fail open
		// instead, use httplimit.LetPass, and let /readyz be ready without Redis.
		httplimit.OnFailure(httplimit.Refuse),
	)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", limited(text("hello")))
	mux.Handle("GET /healthz", text("well"))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
		defer cancel()
		if err := client.Ping(ctx).Err(); err != nil {
			log.Print(err)
			http.Error(w, "Redis is away", http.StatusServiceUnavailable)
			return
		}
		text("ready").ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Served-By", s.name)
		mux.ServeHTTP(w, r)
	}), nil
}

// apiKey is the request's API key if it is a known one. A client could make up a new unknown key for each request.
func (s settings) apiKey(r *http.Request) string {
	if key := r.Header.Get("X-API-Key"); s.keys[key] {
		return key
	}
	return ""
}

// text answers with a line of text.
func text(line string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, line+"\n") }
}

// check fails unless the service that listens on this machine is ready.
func check(ctx context.Context, getenv func(string) string) error {
	_, port, err := net.SplitHostPort(cmp.Or(getenv("LISTEN"), defaultListen))
	if err != nil {
		return fmt.Errorf("LISTEN: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:"+port+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}

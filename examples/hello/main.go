// Hello is a small service with a limit for each API key: five greetings a minute, in all processes together. It answers the
// sixth with 429 and the exact Retry-After.
//
//	go run ./examples/hello                                       # with an embedded server
//	go run ./examples/hello -redis redis://localhost:6379 -limit "10/s burst 20"
//	curl -i 'http://localhost:8080/?key=alice'
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

func main() {
	limit := algorithms.PerMinute(5)
	addr := flag.String("addr", "localhost:8080", "where to listen")
	url := flag.String("redis", "", "the server's `URL`; an embedded one if empty")
	flag.TextVar(&limit, "limit", limit, "the limit for each key, such as 5/minute or \"10/s burst 20\"")
	flag.Parse()

	if *url == "" {
		server, err := miniredis.Run()
		if err != nil {
			log.Fatal(err)
		}
		defer server.Close()
		*url = "redis://" + server.Addr()
	}
	limiter, err := limiterOn(*url, limit)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("greeting %v on http://%s/?key=NAME", limit, *addr)
	server := &http.Server{Addr: *addr, Handler: greeter(limiter, 250*time.Millisecond), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// limiterOn returns a limiter over the server of that URL. It does not connect to the server yet.
func limiterOn(url string, limit algorithms.Limit) (*algorithms.Remote, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true // otherwise a call ends at ReadTimeout instead of with its context
	options.DialerRetries = 1            // so that the error says "connection refused" instead of "context deadline exceeded"
	run, err := goredisrunner.New(redis.NewClient(options))
	if err != nil {
		return nil, err
	}
	return gcra.New(run, limit)
}

// greeter greets the key's owner, as often as the limiter allows. A greeting waits for the limiter for at most patience.
func greeter(limiter algorithms.Limiter, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.URL.Query().Get("key")
		if key == "" {
			http.Error(w, "a key is needed: ?key=NAME", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		result, err := limiter.Allow(ctx, key)
		if err != nil {
			// There is no decision. This service fails open: it greets too often rather than not at all.
			log.Print(err)
		} else if !result.Allowed {
			seconds := int64((result.RetryAfter + time.Second - 1) / time.Second) // rounded up
			w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		// The client chooses the key. As plain text it can't run as a script.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		fmt.Fprintf(w, "hello, %s\n", key) //nolint:gosec // plain text, as the header says
	})
}

package main

import (
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// limited puts a limit in front of a handler: five requests a minute for each client address.
func limited(client redis.UniversalClient, handler http.Handler) (http.Handler, error) {
	run, err := goredisrunner.New(client)
	if err != nil {
		return nil, err
	}
	limiter, err := gcra.New(run, algorithms.PerMinute(5))
	if err != nil {
		return nil, err
	}
	limit, err := httplimit.New(limiter) // 429 with Retry-After
	if err != nil {
		return nil, err
	}
	return limit(handler), nil
}

func main() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true, DialerRetries: 1})
	handler, err := limited(client, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello")
	}))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "localhost:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

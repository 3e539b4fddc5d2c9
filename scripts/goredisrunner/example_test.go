package goredisrunner_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

func Example() {
	server, err := miniredis.Run() // stands in for your Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()

	client := redis.NewClient(&redis.Options{
		Addr:                  server.Addr(),
		ContextTimeoutEnabled: true,        // a request's deadline is its limiter's too
		ReadTimeout:           time.Minute, // in a service: how long a request may wait, such as 500 ms
	})
	defer client.Close()
	run, err := goredisrunner.New(client)
	if err != nil {
		panic(err)
	}

	visits := scripts.New("visits", `
		local total = redis.call("INCRBY", KEYS[1], ARGV[1])
		return {total, 100 - total}`)
	for range 2 {
		reply, err := run.Run(context.Background(), visits, []string{"page"}, []string{"3"})
		if err != nil {
			panic(err)
		}
		fmt.Println("visits:", reply[0], "left:", reply[1])
	}
	// Output:
	// visits: 3 left: 97
	// visits: 6 left: 94
}

// A service makes a limiter over its existing client.
func ExampleNew() {
	server, err := miniredis.Run() // stands in for your Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer client.Close()

	run, err := goredisrunner.New(client)
	if err != nil {
		panic(err)
	}
	limiter, err := gcra.New(run, algorithms.PerMinute(10))
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	fmt.Println(result.Allowed, result.Remaining, err)
	// Output: true 9 <nil>
}

// A test of code that has a client needs no Redis: miniredis runs the scripts. The test sets its clock.
func Example_miniredis() {
	server, err := miniredis.Run() // miniredis.RunT(t) in a test
	if err != nil {
		panic(err)
	}
	defer server.Close()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	server.SetTime(now)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	run, err := goredisrunner.New(client)
	if err != nil {
		panic(err)
	}
	limiter, err := gcra.New(run, algorithms.PerMinute(1))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.Allow(context.Background(), "alice")
		fmt.Println(result.Allowed, result.RetryAfter, err)
		now = now.Add(30 * time.Second)
		server.SetTime(now)
	}
	// Output:
	// true 0s <nil>
	// false 30s <nil>
	// true 0s <nil>
}

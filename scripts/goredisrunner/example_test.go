package goredisrunner_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

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
		ContextTimeoutEnabled: true, // a request's deadline is its limiter's too
		ReadTimeout:           500 * time.Millisecond,
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

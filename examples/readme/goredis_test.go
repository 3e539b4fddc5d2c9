package readme_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// hours stands in for package time where the code that is shown waits for a second at most, so that a slow machine doesn't change
// the result.
var hours = struct{ Second time.Duration }{time.Hour}

func Example_goredis() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx, addr, time := context.Background(), server.Addr(), hours

	// docs/using.md
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	run, err := goredisrunner.New(client)
	if err != nil {
		panic(err)
	}
	limiter, err := gcra.New(run, algorithms.PerSecond(10))
	if err != nil {
		panic(err) // the limit is invalid: nothing has been sent yet
	}

	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	result, err := limiter.Allow(ctx, "alice")
	switch {
	case err != nil:
		fmt.Println("no decision:", err) // you decide whether to serve the request
	case !result.Allowed:
		fmt.Println("come back in", result.RetryAfter)
	default:
		fmt.Println("go ahead,", result.Remaining, "left")
	}
	// end of docs/using.md

	// Output: go ahead, 9 left
}

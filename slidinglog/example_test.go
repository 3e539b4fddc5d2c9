package slidinglog_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/slidinglog"
)

// The first of ten a second leaves nine.
func Example() {
	limiter, err := slidinglog.NewLocal(algorithms.PerSecond(10))
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Allowed, result.Remaining)
	// Output: true 9
}

// A limiter over a server: all processes that use the server share the limit of a key.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	limiter, err := slidinglog.New(run, algorithms.PerMinute(2))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.Allow(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
	}
	// Output:
	// true 1 0s
	// true 0 0s
	// false 0 1m0s
}

// A limiter in this process, with its own clock. RetryAfter is the exact wait of a denied request.
func ExampleNewLocal() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	limiter, err := slidinglog.NewLocal(algorithms.PerMinute(3), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.AllowN(context.Background(), "alice", 2)
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
		now = now.Add(25 * time.Second)
	}
	// Output:
	// true 1 0s
	// false 1 35s
	// false 1 10s
}

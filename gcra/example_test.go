package gcra_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/embeddedtest"
)

// The first of ten a second leaves nine.
func Example() {
	limiter, err := gcra.NewLocal(algorithms.PerSecond(10))
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
	limiter, err := gcra.New(run, algorithms.PerMinute(2))
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
	// false 0 30s
}

// A limiter in this process, with its own clock. RetryAfter is the exact wait of a denied request.
func ExampleNewLocal() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	limiter, err := gcra.NewLocal(algorithms.PerMinute(60).WithBurst(3), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.AllowN(context.Background(), "alice", 2)
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
		now = now.Add(500 * time.Millisecond)
	}
	// Output:
	// true 1 0s
	// false 1 500ms
	// true 0 0s
}

// greeting is code under test: it greets a user whom the limiter admits.
func greeting(ctx context.Context, limiter algorithms.Limiter, user string) string {
	switch result, err := limiter.Allow(ctx, user); {
	case err != nil:
		return "no decision: " + err.Error()
	case !result.Allowed:
		return "come back in " + result.RetryAfter.String()
	}
	return "hello, " + user
}

// A test needs no server and doesn't sleep: it gives its code a Local, and moves the Local's clock.
func Example_testing() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	limiter, err := gcra.NewLocal(algorithms.PerMinute(1), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	fmt.Println(greeting(context.Background(), limiter, "alice"))
	fmt.Println(greeting(context.Background(), limiter, "alice"))
	now = now.Add(time.Minute)
	fmt.Println(greeting(context.Background(), limiter, "alice"))
	// Output:
	// hello, alice
	// come back in 1m0s
	// hello, alice
}

package fixedwindow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/embeddedtest"
)

// The first of ten a second leaves nine.
func Example() {
	limiter, err := fixedwindow.NewLocal(algorithms.PerSecond(10))
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
	limiter, err := fixedwindow.New(run, algorithms.PerMinute(2))
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
	limiter, err := fixedwindow.NewLocal(algorithms.PerMinute(3), algorithms.WithClock(func() time.Time { return now }))
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

// Aligned windows begin at whole minutes.
func ExampleAligned() {
	now := time.Date(2026, 1, 1, 12, 0, 45, 0, time.UTC) // a clock of the example's own
	limiter, err := fixedwindow.NewLocal(algorithms.PerMinute(5), fixedwindow.Aligned(),
		algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	if err != nil {
		panic(err)
	}
	fmt.Println(result.Remaining, "left for", result.ResetAfter)
	// Output: 4 left for 15s
}

// The quotas of plans come back at midnight. All plans share one window, as they have one Period. So a user who upgrades
// keeps the used count, and gets the rest of the new plan.
func Example_plans() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	free, err := fixedwindow.New(run, algorithms.PerDay(3), fixedwindow.Aligned())
	if err != nil {
		panic(err)
	}
	gold, err := free.With(algorithms.PerDay(1000))
	if err != nil {
		panic(err)
	}
	ask := func(plan algorithms.Limiter, n int64) {
		result, err := plan.AllowN(context.Background(), "alice", n)
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, "left for", result.ResetAfter)
	}
	ask(free, 3)
	ask(free, 1)
	ask(gold, 1) // alice has upgraded
	// Output:
	// true 0 left for 12h0m0s
	// false 0 left for 12h0m0s
	// true 996 left for 12h0m0s
}

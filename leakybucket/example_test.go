package leakybucket_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/leakybucket"
)

// The examples run in this process. Over Redis, New takes a Runner in front: see the packages
// goredisrunner and rueidisrunner.

// The first of ten a second leaves nine.
func Example() {
	limiter, err := leakybucket.NewLocal(algorithms.PerSecond(10))
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

// A denied request is told exactly how long to wait.
func ExampleLocal_AllowN() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	limiter, err := leakybucket.NewLocal(algorithms.PerMinute(60).WithBurst(3), algorithms.WithClock(func() time.Time { return now }))
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

// A queue spreads requests that come at once: one leaves, a burst waits, and the rest are refused.
func ExampleLocalQueue_Schedule() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	queue, err := leakybucket.NewLocalQueue(algorithms.PerSecond(2).WithBurst(2), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	for range 4 {
		slot, err := queue.Schedule(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(slot.Accepted, slot.Delay, slot.Queued, slot.RetryAfter)
	}
	// Output:
	// true 0s 0 0s
	// true 500ms 1 0s
	// true 1s 2 0s
	// false 1.5s 2 500ms
}

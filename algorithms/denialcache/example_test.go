package denialcache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/embeddedtest"
)

// counted stands for a limiter on a server. It counts its calls.
type counted struct {
	algorithms.Limiter
	calls int
}

func (c *counted) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	c.calls++
	return c.Limiter.Allow(ctx, key)
}

// A caller that doesn't wait is denied in this process. The limiter is asked once for each wait.
func Example() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	clock := func() time.Time { return now }
	limiter, err := gcra.NewLocal(algorithms.PerSecond(2), algorithms.WithClock(clock))
	if err != nil {
		panic(err)
	}
	server := &counted{Limiter: limiter}
	cache, err := denialcache.New(server, denialcache.WithClock(clock))
	if err != nil {
		panic(err)
	}
	for range 8 {
		result, err := cache.Allow(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.RetryAfter, "calls:", server.calls)
		now = now.Add(100 * time.Millisecond)
	}
	// Output:
	// true 0s calls: 1
	// true 0s calls: 2
	// false 300ms calls: 3
	// false 200ms calls: 3
	// false 100ms calls: 3
	// true 0s calls: 4
	// false 400ms calls: 5
	// false 300ms calls: 5
}

// The cache wraps a limiter over a server. It repeats a denial without a call.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	limiter, err := gcra.New(run, algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	cache, err := denialcache.New(limiter, denialcache.MaxAge(time.Hour), denialcache.MaxKeys(100_000))
	if err != nil {
		panic(err)
	}
	for i := range 3 {
		if i == 2 {
			stop() // even then
		}
		result, err := cache.Allow(context.Background(), "alice")
		fmt.Println(result.Allowed, result.RetryAfter.Round(time.Minute), err)
	}
	// Output:
	// true 0s <nil>
	// false 1h0m0s <nil>
	// false 1h0m0s <nil>
}

package fallback_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/embeddedtest"
)

// While the server is away, a limiter of the same limit in this process decides. OnChange prints when that begins.
func Example() {
	primary, err := gcra.New(away{}, algorithms.PerHour(2)) // a runner over a client
	if err != nil {
		panic(err)
	}
	secondary, err := primary.Local()
	if err != nil {
		panic(err)
	}
	limiter, err := fallback.New(primary, secondary,
		fallback.Timeout(time.Minute),              // a request waits that long for its limiter at most; 250 ms by default
		fallback.Backoff(time.Minute, time.Minute), // the wait before the next probe; 250 ms to 8 s by default
		fallback.OnError(func(error) {}),           // without OnError failures are logged to log/slog
		fallback.OnChange(func(e fallback.Event) {
			if e.State == fallback.Open {
				fmt.Println("the server is away:", e.Err)
			}
		}))
	if err != nil {
		panic(err)
	}
	for range 6 {
		result, err := limiter.Allow(context.Background(), "alice")
		fmt.Println(result.Allowed, err)
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
	// false <nil>
	// the server is away: dial tcp 127.0.0.1:6379: connect: connection refused
	// false <nil>
	// false <nil>
}

// The server goes away, and this process decides by its share of the limit.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	limit := algorithms.PerHour(12)
	primary, err := gcra.New(run, limit)
	if err != nil {
		panic(err)
	}
	share, err := limit.Share(6) // of six processes
	if err != nil {
		panic(err)
	}
	secondary, err := gcra.NewLocal(share)
	if err != nil {
		panic(err)
	}
	limiter, err := fallback.New(primary, secondary,
		fallback.Timeout(time.Minute),    // a request waits that long for its limiter at most; 250 ms by default
		fallback.OnError(func(error) {})) // for a metric; without it failures are logged
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	fmt.Println(result.Remaining, "of", result.Limit, err)
	stop()
	result, err = limiter.Allow(context.Background(), "alice")
	fmt.Println(result.Remaining, "of", result.Limit, err)
	// Output:
	// 11 of 12 <nil>
	// 1 of 2 <nil>
}

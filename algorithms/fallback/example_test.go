package fallback_test

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/gcra"
)

// While the server is away, a limiter of the same limit in this process decides. A message is printed when that begins and ends.
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
		fallback.OnError(func(error) {}), // else failures are logged to log/slog
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

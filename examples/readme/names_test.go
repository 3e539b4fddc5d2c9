package readme_test

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/slidinglog"
)

func Example_plans() {
	ctx, user, paying := context.Background(), "alice", true
	// docs/choosing.md
	free, err := slidinglog.NewLocal(algorithms.PerMinute(5)) // or New over a server
	if err != nil {
		panic(err)
	}
	paid, err := free.With(algorithms.PerMinute(100)) // the same log with another Rate
	if err != nil {
		panic(err)
	}
	limiter := free
	if paying {
		limiter = paid
	}
	result, err := limiter.Allow(ctx, user)
	// end of docs/choosing.md
	fmt.Println(result.Remaining, err)
	// Output: 99 <nil>
}

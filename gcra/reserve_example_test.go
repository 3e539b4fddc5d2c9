package gcra_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
)

// The limit is on tokens of a language model. The cost of an answer is known only after it. So each request reserves the most
// that it may cost, and then settles its true cost.
func Example_tokensOfALanguageModel() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) // a clock of the example's own
	limiter, err := gcra.NewLocal(algorithms.PerMinute(10_000), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	ask := func(most, used int64) {
		ctx := context.Background()
		tokens, err := limiter.Reserve(ctx, "alice", most)
		if err != nil {
			panic(err)
		}
		if result := tokens.Result(); !result.Allowed {
			fmt.Println("no room for", most, "tokens, try again in", result.RetryAfter)
			return
		}
		now = now.Add(3 * time.Second) // the model answers
		if err := tokens.Commit(ctx, used); err != nil {
			panic(err)
		}
		standing, err := limiter.Peek(ctx, "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println("used", used, "tokens,", standing.Remaining, "remain")
	}
	ask(4000, 1200)
	ask(4000, 4000)
	ask(4000, 9000) // the model has not kept to it: a debt
	ask(4000, 1000)
	// Output:
	// used 1200 tokens, 9300 remain
	// used 4000 tokens, 5800 remain
	// used 9000 tokens, 0 remain
	// no room for 4000 tokens, try again in 40.2s
}

// A batch sends as many of its messages now as fit into the limit.
func ExampleLocal_AllowAtMost() {
	limiter, err := gcra.NewLocal(algorithms.PerDay(100))
	if err != nil {
		panic(err)
	}
	for range 2 {
		admitted, result, err := limiter.AllowAtMost(context.Background(), "newsletter", 80)
		if err != nil {
			panic(err)
		}
		fmt.Println(admitted, result.Allowed, result.Remaining)
	}
	// Output:
	// 80 true 20
	// 20 true 0
}

package algorithms_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
)

// Calls to another service wait until its limit has room for them. A call that would wait for too long isn't made.
func ExampleWait() {
	limit := algorithms.PerSecond(50).WithBurst(2)
	limiter, err := gcra.NewLocal(limit) // over Redis: gcra.New(runner, limit)
	if err != nil {
		panic(err)
	}
	call := func(text string, cost int64) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := algorithms.Wait(ctx, limiter, "api.example.com", cost); err != nil {
			fmt.Println("not sent:", err)
			return
		}
		fmt.Println(text)
	}
	call("first", 2)
	call("second, 20ms later", 1)
	call("third", 3)
	// Output:
	// first
	// second, 20ms later
	// not sent: weir: cost exceeds limit: 3, want 1 to 2
}

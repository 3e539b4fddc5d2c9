package readme_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/leakybucket"
)

func Example_waiting() {
	run, end := embedded()
	defer end()
	ctx := context.Background()

	// docs/choosing.md
	limit := algorithms.PerSecond(50).WithBurst(10)
	limiter, err := gcra.New(run, limit)
	if err != nil {
		panic(err)
	}
	err = algorithms.Wait(ctx, limiter, "api.example.com", 1) // up to 10 at one moment, in any order
	if err != nil {
		panic(err)
	}
	queue, err := leakybucket.NewQueue(run, limit)
	if err != nil {
		panic(err)
	}
	err = queue.Wait(ctx, "api.example.com") // one each 20 ms, in order; refused if 10 already wait
	// end of docs/choosing.md

	fmt.Println(err)
	// Output: <nil>
}

func Example_exports() {
	run, end := embedded()
	defer end()
	ctx := context.Background()
	export := func(context.Context) error { return nil }

	// docs/using.md
	exports, err := inflight.New(run, 3, 30*time.Second) // the lease of a process that dies expires after 30 s
	if err != nil {
		panic(err)
	}
	err = inflight.Do(ctx, exports, "alice", func(ctx context.Context) error {
		return export(ctx) // meanwhile the lease is renewed, and released at the end
	})
	if errors.Is(err, inflight.ErrFull) {
		fmt.Println("three are under way")
	}
	// end of docs/using.md

	fmt.Println(err)
	// Output: <nil>
}

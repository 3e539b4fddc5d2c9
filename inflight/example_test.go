package inflight_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/inflight"
)

// The examples run in this process. Over Redis, New takes a Runner in front: see the packages
// goredisrunner and rueidisrunner.

// At most three exports at once, whoever asks. The fourth is told at once that there is no room.
func ExampleDo() {
	limiter, err := inflight.NewLocal(3, 30*time.Second)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	var export func(n int) error
	export = func(n int) error {
		return inflight.Do(ctx, limiter, "exports", func(context.Context) error {
			fmt.Println("export", n, "runs")
			return export(n + 1) // while this one runs, another begins
		})
	}
	err = export(1)
	fmt.Println(errors.Is(err, inflight.ErrFull))
	// Output:
	// export 1 runs
	// export 2 runs
	// export 3 runs
	// true
}

// A worker that waits for its turn, for a minute at most.
func ExampleWait() {
	limiter, err := inflight.NewLocal(1, 30*time.Second)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	lease, err := inflight.Wait(ctx, limiter, "nightly report")
	if err != nil {
		panic(err) // the minute is over, or the server failed
	}
	defer func() { _ = lease.Release() }()
	work := lease.Context(context.Background()) // ends if the lease is lost
	fmt.Println(work.Err())
	// Output: <nil>
}

// A caller that renews its lease itself chooses the lease's id.
func ExampleLocal_Acquire() {
	limiter, err := inflight.NewLocal(2, 30*time.Second)
	if err != nil {
		panic(err)
	}
	ctx, id := context.Background(), inflight.NewID()
	for range 2 { // sent again, the call has the effect of one
		result, err := limiter.Acquire(ctx, "alice", id)
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining)
	}
	if err := limiter.Release(ctx, "alice", id); err != nil {
		panic(err)
	}
	fmt.Println(errors.Is(limiter.Renew(ctx, "alice", id), inflight.ErrNotHeld))
	// Output:
	// true 1
	// true 1
	// true
}

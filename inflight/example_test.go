package inflight_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/embeddedtest"
)

// A limiter over a server: all processes that use the server share the leases of a key.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	limiter, err := inflight.New(run, 2, 30*time.Second)
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.Acquire(context.Background(), "exports", inflight.NewID())
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
	}
	// Output:
	// true 1 0s
	// true 0 0s
	// false 0 30s
}

// A limiter in this process needs no server. Here each user may run one operation at a time.
func ExampleNewLocal() {
	limiter, err := inflight.NewLocal(1, 30*time.Second)
	if err != nil {
		panic(err)
	}
	for _, user := range []string{"alice", "bob", "alice"} {
		result, err := limiter.Acquire(context.Background(), user, inflight.NewID())
		if err != nil {
			panic(err)
		}
		fmt.Println(user, result.Allowed)
	}
	// Output:
	// alice true
	// bob true
	// alice false
}

// Hold is for work that isn't a single function. The lease is renewed until Release.
func ExampleHold() {
	limiter, err := inflight.NewLocal(1, 30*time.Second)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	lease, err := inflight.Hold(ctx, limiter, "migration")
	if err != nil {
		panic(err) // all leases are held, or the server failed
	}
	_, err = inflight.Hold(ctx, limiter, "migration")
	var full *inflight.FullError
	fmt.Println(errors.As(err, &full), full.Result.Limit)
	if err := lease.Release(); err != nil {
		panic(err)
	}
	again, err := inflight.Hold(ctx, limiter, "migration")
	fmt.Println(err)
	_ = again.Release()
	// Output:
	// true 1
	// <nil>
}

// At most three exports run at the same time. A fourth gets an error at once.
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

// A worker waits for a lease, for at most a minute.
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

// A caller that renews its lease by itself chooses the lease's id. It may send a call again with the same id.
func ExampleLocal_Acquire() {
	limiter, err := inflight.NewLocal(2, 30*time.Second)
	if err != nil {
		panic(err)
	}
	ctx, id := context.Background(), inflight.NewID()
	for range 2 { // both calls together take one lease
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

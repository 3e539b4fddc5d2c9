package algorithms_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/slidinglog"
)

// Limiters of equal limits share the count of a key. With different names they count separately.
func ExampleWithName() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	login, err := gcra.New(run, algorithms.PerMinute(5), algorithms.WithName("login"))
	if err != nil {
		panic(err)
	}
	search, err := gcra.New(run, algorithms.PerMinute(5), algorithms.WithName("search"))
	if err != nil {
		panic(err)
	}
	for range 5 {
		if _, err := search.Allow(context.Background(), "alice"); err != nil {
			panic(err)
		}
	}
	result, err := login.Allow(context.Background(), "alice")
	fmt.Println(result.Allowed, result.Remaining, err)
	// Output: true 4 <nil>
}

// Two services share a server. Different prefixes keep their keys apart.
func ExampleWithPrefix() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	for _, service := range []string{"shop", "forum"} {
		limiter, err := gcra.New(run, algorithms.PerMinute(5), algorithms.WithPrefix(service))
		if err != nil {
			panic(err)
		}
		result, err := limiter.Allow(context.Background(), "alice")
		fmt.Println(service, result.Remaining, err)
	}
	// Output:
	// shop 4 <nil>
	// forum 4 <nil>
}

// A test moves the limiter's clock instead of sleeping.
func ExampleWithClock() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	limiter, err := gcra.NewLocal(algorithms.PerHour(1), algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.Allow(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.RetryAfter)
		now = now.Add(30 * time.Minute)
	}
	// Output:
	// true 0s
	// false 30m0s
	// true 0s
}

// A Local that holds at most a thousand keys.
func ExampleMaxKeys() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(10), algorithms.MaxKeys(1000))
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	fmt.Println(result.Remaining, err)
	// Output: 9 <nil>
}

// A user who upgrades gets another limit. Logs of one Period share a count, so earlier requests still count.
func ExampleRemote_With() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	free, err := slidinglog.New(run, algorithms.PerMinute(2))
	if err != nil {
		panic(err)
	}
	paid, err := free.With(algorithms.PerMinute(10))
	if err != nil {
		panic(err)
	}
	for _, limiter := range []algorithms.Limiter{free, free, free, paid} {
		result, err := limiter.Allow(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining)
	}
	// Output:
	// true 1
	// true 0
	// false 0
	// true 7
}

// Local is the same limit in this process, for use while the server is away.
func ExampleRemote_Local() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	limiter, err := gcra.New(run, algorithms.PerMinute(5))
	if err != nil {
		panic(err)
	}
	local, err := limiter.Local()
	if err != nil {
		panic(err)
	}
	stop() // the server goes away
	result, err := limiter.Allow(context.Background(), "alice")
	if err != nil {
		result, err = local.Allow(context.Background(), "alice")
	}
	fmt.Println(result.Allowed, result.Remaining, err)
	// Output: true 4 <nil>
}

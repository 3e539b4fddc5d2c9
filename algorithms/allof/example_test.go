package allof_test

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/slidinglog"
)

// Each key may have ten events a second and a hundred an hour.
func Example() {
	second, err := gcra.NewLocal(algorithms.PerSecond(10))
	if err != nil {
		panic(err)
	}
	hour, err := slidinglog.NewLocal(algorithms.PerHour(100))
	if err != nil {
		panic(err)
	}
	limiter, err := allof.New(second, hour)
	if err != nil {
		panic(err)
	}
	result, err := limiter.AllowN(context.Background(), "alice", 3)
	fmt.Println(result.Allowed, result.Limit, result.Remaining, err)
	// Output:
	// true 10 7 <nil>
}

// Two limits over a server are decided in one script: each key may have two requests a minute and three a day. The limiters must
// have the same Runner.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	minute, err := gcra.New(run, algorithms.PerMinute(2))
	if err != nil {
		panic(err)
	}
	day, err := fixedwindow.New(run, algorithms.PerDay(3), fixedwindow.Aligned())
	if err != nil {
		panic(err)
	}
	limiter, err := allof.New(minute, day)
	if err != nil {
		panic(err)
	}
	for range 3 {
		result, err := limiter.Allow(context.Background(), "alice")
		if err != nil {
			panic(err)
		}
		fmt.Println(result.Allowed, result.Remaining, result.RetryAfter)
	}
	if result, err := day.Peek(context.Background(), "alice"); err == nil {
		fmt.Println("left of the day:", result.Remaining) // the denied request was charged to neither
	}
	// Output:
	// true 1 0s
	// true 0 0s
	// false 0 30s
	// left of the day: 1
}

// An export costs its user one event, and its tenant as many events as the export has rows. The keys of a tenant begin with the
// same text in braces, so that one script can decide on user and tenant in a cluster too.
func ExampleLimiter_AllowEach() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	user, err := gcra.New(run, algorithms.PerMinute(2))
	if err != nil {
		panic(err)
	}
	tenant, err := slidinglog.New(run, algorithms.PerHour(1000))
	if err != nil {
		panic(err)
	}
	limiter, err := allof.New(user, tenant)
	if err != nil {
		panic(err)
	}
	for _, export := range []struct {
		user string
		rows int64
	}{{"alice", 300}, {"alice", 300}, {"alice", 10}, {"bob", 500}, {"bob", 400}} {
		decision, err := limiter.AllowEach(context.Background(),
			allof.Request{Key: "{acme}:" + export.user, Cost: 1},
			allof.Request{Key: "{acme}", Cost: export.rows},
		)
		if err != nil {
			panic(err) // such as algorithms.ErrCostExceedsLimit, if the export has more than 1000 rows
		}
		ofUser, ofTenant := decision.Each[0], decision.Each[1] // if denied as a whole: which of them would admit
		fmt.Println(export.user, decision.Result.Allowed, ofUser.Allowed, ofTenant.Allowed, decision.Result.RetryAfter)
	}
	// Output:
	// alice true true true 0s
	// alice true true true 0s
	// alice false false true 30s
	// bob false true false 1h0m0s
	// bob true true true 0s
}

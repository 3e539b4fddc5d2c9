package allof_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/slidinglog"
)

// Ten a second and a hundred an hour, for each key. With a Runner, New of gcra and of slidinglog keep both on a server.
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

// An export costs its user one and its tenant as many events as it has rows. All users of a tenant begin with the same text
// in braces, so that one script can decide on user and tenant in a cluster too.
func ExampleLimiter_AllowEach() {
	clock := limitertest.NewClock(time.Unix(1_700_000_000, 0)) // so that this example tells the same each time
	user, err := gcra.NewLocal(algorithms.PerMinute(2), algorithms.WithClock(clock.Now))
	if err != nil {
		panic(err)
	}
	tenant, err := slidinglog.NewLocal(algorithms.PerHour(1000), algorithms.WithClock(clock.Now))
	if err != nil {
		panic(err)
	}
	limiter, err := allof.New(user, tenant)
	if err != nil {
		panic(err)
	}

	export := func(name string, rows int64) {
		decision, err := limiter.AllowEach(context.Background(),
			allof.Request{Key: "{acme}:" + name, Cost: 1},
			allof.Request{Key: "{acme}", Cost: rows},
		)
		switch {
		case errors.Is(err, algorithms.ErrCostExceedsLimit):
			fmt.Printf("%s: %d rows: never\n", name, rows)
		case err != nil:
			fmt.Println(err) // the server has failed, or the keys aren't together
		case decision.Result.Allowed:
			fmt.Printf("%s: %d rows: yes, %d are left for acme\n", name, rows, decision.Each[1].Remaining)
		case !decision.Each[0].Allowed:
			fmt.Printf("%s: %d rows: in %v, as %s has asked too often\n", name, rows, decision.Result.RetryAfter, name)
		default:
			fmt.Printf("%s: %d rows: in %v, as acme has used its rows\n", name, rows, decision.Result.RetryAfter)
		}
	}
	export("alice", 300)
	export("alice", 300)
	export("alice", 10)
	clock.Advance(time.Minute)
	export("bob", 500)
	export("bob", 400) // the denied export has cost bob nothing
	export("bob", 2000)
	// Output:
	// alice: 300 rows: yes, 700 are left for acme
	// alice: 300 rows: yes, 400 are left for acme
	// alice: 10 rows: in 30s, as alice has asked too often
	// bob: 500 rows: in 59m0s, as acme has used its rows
	// bob: 400 rows: yes, 0 are left for acme
	// bob: 2000 rows: never
}

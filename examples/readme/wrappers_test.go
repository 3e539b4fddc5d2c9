package readme_test

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

func Example_wrappers() {
	server, client := connected()
	defer client.Close()

	// docs/choosing.md
	run, err := goredisrunner.New(client)
	if err != nil {
		panic(err)
	}
	together, err := coalesce.New(run) // wraps the runner
	if err != nil {
		panic(err)
	}
	defer together.Close(context.Background())
	limiter, err := gcra.New(together, algorithms.PerHour(3))
	if err != nil {
		panic(err)
	}
	cached, err := denialcache.New(limiter) // wraps the limiter
	if err != nil {
		panic(err)
	}
	local, err := limiter.Local() // the same limit in this process
	if err != nil {
		panic(err)
	}
	resilient, err := fallback.New(cached, local) // wraps both
	if err != nil {
		panic(err)
	}
	// end of docs/choosing.md

	for range 4 {
		result, err := resilient.Allow(context.Background(), "alice")
		fmt.Println(result.Allowed, err)
	}
	server.Close() // this process decides from now on
	result, err := resilient.Allow(context.Background(), "bob")
	fmt.Println(result.Allowed, err)
	// Output:
	// true <nil>
	// true <nil>
	// true <nil>
	// false <nil>
	// true <nil>
}

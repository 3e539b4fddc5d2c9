package rueidisrunner_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

func Example() {
	server, err := miniredis.Run() // stands in for your Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()

	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:       []string{server.Addr()},
		AlwaysPipelining:  true, // one call's deadline is then no other's
		DisableCache:      true, // miniredis alone needs these two
		ForceSingleClient: true,
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	run, err := rueidisrunner.New(client)
	if err != nil {
		panic(err)
	}

	visits := scripts.New("visits", `
		local total = redis.call("INCRBY", KEYS[1], ARGV[1])
		return {total, 100 - total}`)
	for range 2 {
		reply, err := run.Run(context.Background(), visits, []string{"page"}, []string{"3"})
		if err != nil {
			panic(err)
		}
		fmt.Println("visits:", reply[0], "left:", reply[1])
	}
	// Output:
	// visits: 3 left: 97
	// visits: 6 left: 94
}

// A service can start while its server is away. With ForceSingleClient NewClient returns a client beside its error. The client
// connects upon later calls, and until then calls fail.
func Example_serverAway() {
	var addr atomic.Value // of the server, which is away

	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:       []string{"redis:6379"},
		ForceSingleClient: true, // the client of one server, or of the name of one
		AlwaysPipelining:  true,
		DisableCache:      true,
		DialCtxFn:         dialTo(&addr), // stands in for your network
	})
	if client == nil { // wrong options
		panic(err)
	}
	defer client.Close()
	fmt.Println("connected at the start:", err == nil)
	run, err := rueidisrunner.New(client)
	if err != nil {
		panic(err)
	}

	visits := scripts.New("visits", `return redis.call("INCR", KEYS[1])`)
	_, err = run.Run(context.Background(), visits, []string{"page"}, nil)
	fmt.Println("fails while the server is away:", err != nil)

	server, err := miniredis.Run() // stands in for your Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	addr.Store(server.Addr()) // the server comes
	reply, err := run.Run(context.Background(), visits, []string{"page"}, nil)
	fmt.Println("visits:", reply, err)
	// Output:
	// connected at the start: false
	// fails while the server is away: true
	// visits: [1] <nil>
}

// A service makes a limiter over its existing client.
func ExampleNew() {
	server, err := miniredis.Run() // stands in for your Redis
	if err != nil {
		panic(err)
	}
	defer server.Close()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:      []string{server.Addr()},
		AlwaysPipelining: true, // one call's deadline is then no other's
		DisableCache:     true, // Weir has no use for it
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	run, err := rueidisrunner.New(client)
	if err != nil {
		panic(err)
	}
	limiter, err := gcra.New(run, algorithms.PerMinute(10))
	if err != nil {
		panic(err)
	}
	result, err := limiter.Allow(context.Background(), "alice")
	fmt.Println(result.Allowed, result.Remaining, err)
	// Output: true 9 <nil>
}

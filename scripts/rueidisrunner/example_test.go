package rueidisrunner_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

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

package readme_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts/rueidisrunner"
	"github.com/go-weir/weir/slidinglog"
)

func Example_rueidis() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	ctx, addr := context.Background(), server.Addr()

	// docs/using.md
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, AlwaysPipelining: true, DisableCache: true})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	run, err := rueidisrunner.New(client)
	if err != nil {
		panic(err)
	}
	limiter, err := slidinglog.New(run, algorithms.PerMinute(100))
	if err != nil {
		panic(err)
	}
	result, err := limiter.AllowN(ctx, "alice", 30) // a request of cost 30
	fmt.Println(result.Allowed, result.Remaining, err)
	// end of docs/using.md

	// Output: true 70 <nil>
}

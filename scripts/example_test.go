package scripts_test

import (
	"context"
	"fmt"

	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/scripts"
)

// A script of your own is sent like Weir's: by its SHA1, and as a whole if the server doesn't know it.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	visits := scripts.New("visits", `return redis.call("INCRBY", KEYS[1], ARGV[1])`)
	for range 2 {
		reply, err := run.Run(context.Background(), visits, []string{"page"}, []string{"3"})
		fmt.Println(reply, err)
	}
	// Output:
	// [3] <nil>
	// [6] <nil>
}

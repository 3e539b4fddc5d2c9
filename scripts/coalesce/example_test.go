package coalesce_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/embeddedtest"
	"github.com/go-weir/weir/scripts/coalesce"
)

// The Runner wraps that of the client. Calls of many goroutines share scripts, and each caller gets its own
// answer.
func ExampleNew() {
	run, stop := embeddedtest.Runner() // a service makes one of its client: goredisrunner.New(client)
	defer stop()
	together, err := coalesce.New(run, coalesce.MaxBatch(128))
	if err != nil {
		panic(err)
	}
	limiter, err := gcra.New(together, algorithms.PerHour(100))
	if err != nil {
		panic(err)
	}
	var admitted atomic.Int64
	var callers sync.WaitGroup
	for range 1000 {
		callers.Add(1)
		go func() {
			defer callers.Done()
			result, err := limiter.Allow(context.Background(), "alice")
			if err == nil && result.Allowed {
				admitted.Add(1)
			}
		}()
	}
	callers.Wait()
	fmt.Println(admitted.Load(), "admitted")
	fmt.Println(together.Close(context.Background()))
	// Output:
	// 100 admitted
	// <nil>
}

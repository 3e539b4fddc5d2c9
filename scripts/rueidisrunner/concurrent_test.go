package rueidisrunner_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// Each caller gets the answer to its own question, however the client gathers the commands.
func TestConcurrentCalls(t *testing.T) {
	const callers = 64
	for topology, connect := range topologies {
		calls := 10 // of clients that differ only in how they find the server
		if topology == "single" || strings.Contains(topology, "pipelin") {
			calls = 100
		}
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			run := rueidisrunner.New(connect(t, newWire(t), 0))
			var all sync.WaitGroup
			for caller := range callers {
				all.Go(func() {
					key, id := "key"+strconv.Itoa(caller), strconv.Itoa(caller)
					for call := range calls {
						got, err := run.Run(t.Context(), echo, []string{key}, []string{id, strconv.Itoa(call)})
						want := []int64{int64(caller), int64(call), int64(call + 1)}
						if err != nil || !slices.Equal(got, want) {
							t.Errorf("Run = %v, %v; want %v", got, err, want)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// One trouble in a pipeline must not make the client send the rest of it again.
func TestTroubleInACrowd(t *testing.T) {
	const callers, rounds = 32, 5
	for topology, connect := range topologies {
		for name, trouble := range map[string]fate{
			"lose":    {then: "lose"},
			"loading": {answer: "-LOADING Redis is loading the dataset in memory\r\n"},
		} {
			t.Run(topology+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWire(t)
				run := rueidisrunner.New(connect(t, w, 0))
				if _, err := run.Run(t.Context(), count, []string{"warm"}, nil); err != nil {
					t.Fatal(err)
				}
				for round := range rounds {
					w.once("evalsha", trouble)
					var all sync.WaitGroup
					for caller := range callers {
						all.Go(func() {
							key := strconv.Itoa(round) + "-" + strconv.Itoa(caller)
							got, err := run.Run(t.Context(), count, []string{key}, nil)
							if err == nil && !slices.Equal(got, []int64{1}) {
								t.Errorf("Run = %v, want [1]", got)
							}
							if n, err := w.Get(key); err == nil && n != "1" {
								t.Errorf("the script has run %s times on one key", n)
							}
						})
					}
					all.Wait()
				}
			})
		}
	}
}

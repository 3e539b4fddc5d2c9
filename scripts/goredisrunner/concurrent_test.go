package goredisrunner_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts/goredisrunner"
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
			run := goredisrunner.New(connect(t, newWire(t), settings{}))
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

// One trouble in a crowd must not make the client send the whole batch again: AutoPipeline's
// batches are where it would.
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
				run := goredisrunner.New(connect(t, w, settings{}))
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

// The mark is the runner's commands' alone: go-redis still resends what others send through the
// same client.
func TestOthersAreStillRetried(t *testing.T) {
	w := newWire(t)
	client := single(t, w, settings{})
	if _, err := goredisrunner.New(client).Run(t.Context(), count, []string{"key"}, nil); err != nil {
		t.Fatal(err)
	}
	w.once("get", fate{then: "lose"})
	if got, err := client.Get(t.Context(), "key").Result(); err != nil || got != "1" {
		t.Errorf("Get = %q, %v; want go-redis' retry to answer it", got, err)
	}
}

// A hook sees ordinary commands, and a copy of one is no more to be resent than the command.
func TestHooksSeeTheCommand(t *testing.T) {
	w := newWire(t)
	client := single(t, w, settings{})
	var hook recorder
	client.AddHook(&hook)
	if _, err := goredisrunner.New(client).Run(t.Context(), count, []string{"key"}, []string{"9"}); err != nil {
		t.Fatal(err)
	}
	if len(hook) != 2 {
		t.Fatalf("the hook saw %d commands, want EVALSHA and EVAL", len(hook))
	}
	for i, name := range []string{"evalsha", "eval"} {
		what := []any{count.SHA1(), count.Source()}[i]
		if got, want := hook[i].Args(), []any{name, what, 1, "key", "9"}; !slices.Equal(got, want) {
			t.Errorf("the hook saw %q, want %q", got, want)
		}
		if !hook[i].NoRetry() || !hook[i].Clone().NoRetry() {
			t.Errorf("%s, or a clone of it, may be retried", name)
		}
	}
}

// recorder is a hook that keeps the scripting commands.
type recorder []redis.Cmder

func (r *recorder) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (r *recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") {
			*r = append(*r, cmd)
		}
		return next(ctx, cmd)
	}
}

package goredisrunner_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// The mark is the runner's commands' alone: go-redis still resends what others send through the
// same client.
func TestOthersAreStillRetried(t *testing.T) {
	w := runnertest.New(t)
	client := single(t, w, settings{})
	if _, err := errtest.Must(goredisrunner.New(client)).Run(t.Context(), runnertest.Count, []string{"key"}, nil); err != nil {
		t.Fatal(err)
	}
	w.Once("get", runnertest.Fate{Then: runnertest.Lose})
	if got, err := client.Get(t.Context(), "key").Result(); err != nil || got != "1" {
		t.Errorf("Get = %q, %v; want go-redis' retry to answer it", got, err)
	}
}

// A hook sees ordinary commands, and a copy of one is no more to be resent than the command.
func TestHooksSeeTheCommand(t *testing.T) {
	w := runnertest.New(t)
	client := single(t, w, settings{})
	var hook recorder
	client.AddHook(&hook)
	if _, err := errtest.Must(goredisrunner.New(client)).Run(t.Context(), runnertest.Count, []string{"key"}, []string{"9"}); err != nil {
		t.Fatal(err)
	}
	if len(hook) != 2 {
		t.Fatalf("the hook saw %d commands, want EVALSHA and EVAL", len(hook))
	}
	for i, name := range []string{"evalsha", "eval"} {
		what := []any{runnertest.Count.SHA1(), runnertest.Count.Source()}[i]
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

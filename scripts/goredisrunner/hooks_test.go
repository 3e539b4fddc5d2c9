package goredisrunner_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// TestOthersAreStillRetried: only the runner's commands are marked as not to be retried. go-redis still retries other
// commands of the same client.
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

// TestHooksSeeTheCommand: a hook gets ordinary commands. A copy of such a command also has the mark that it isn't to be
// retried.
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

// TestMocksSetTheReply: go-redis/redismock sets a command's reply by reflection on what the hook's Cmder points to. Other
// hooks read commands in that way.
func TestMocksSetTheReply(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "192.0.2.1:6379"})
	t.Cleanup(func() { _ = client.Close() })
	mock := mocked{val: []any{int64(7), int64(8)}}
	client.AddHook(&mock)
	run := errtest.Must(goredisrunner.New(client))
	if got, err := run.Run(t.Context(), runnertest.Count, []string{"key"}, nil); err != nil || !slices.Equal(got, []int64{7, 8}) {
		t.Errorf("Run over a mock = %v, %v, want [7 8]", got, err)
	}
	pipelined := []scripts.Call{{Script: runnertest.Count, Keys: []string{"key"}}}
	if run.RunAll(t.Context(), pipelined); pipelined[0].Err != nil || !slices.Equal(pipelined[0].Reply, []int64{7, 8}) {
		t.Errorf("RunAll over a mock = %v, %v, want [7 8]", pipelined[0].Reply, pipelined[0].Err)
	}
	mock.err = errors.New("the error of the mock")
	if _, err := run.Run(t.Context(), runnertest.Count, []string{"key"}, nil); !errors.Is(err, mock.err) {
		t.Errorf("Run over a mock = %v, want the mock's error", err)
	}
}

// mocked answers each command as redismock does, without a server.
type mocked struct {
	val any
	err error
}

func (m *mocked) answer(cmd redis.Cmder) error {
	if m.err != nil {
		cmd.SetErr(m.err)
		return m.err
	}
	field := reflect.ValueOf(cmd).Elem().FieldByName("val")
	reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(m.val))
	return nil
}

func (m *mocked) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *mocked) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error { return m.answer(cmd) }
}

func (m *mocked) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if err := m.answer(cmd); err != nil {
				return err
			}
		}
		return nil
	}
}

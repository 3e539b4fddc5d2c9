package goredisrunner_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

func TestEndedContextSendsNothing(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			w := runnertest.New(t)
			run := errtest.Must(goredisrunner.New(connect(t, w, settings{})))
			if _, err := run.Run(cancelled, runnertest.Count, []string{"key"}, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v, want context.Canceled", err)
			}
			if _, err := run.Run(late, runnertest.Count, []string{"key"}, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Run = %v, want context.DeadlineExceeded", err)
			}
			if sent := w.ScriptCommands(); len(sent) > 0 || w.Server.Exists("key") {
				t.Errorf("sent %v, want nothing", sent)
			}
		})
	}
}

// TestDialEndsByCancel: a call to a server that can't be reached ends if its context is canceled.
func TestDialEndsByCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := closing(t, redis.NewClient(&redis.Options{
		Addr: "nowhere:6379", ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		},
		DialTimeout: time.Hour,
	}), nil)
	_, err := errtest.Must(goredisrunner.New(client)).Run(ctx, runnertest.Count, []string{"key"}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

// TestContexts runs the tests of runnertest.Contexts over a client that ignores contexts.
func TestContexts(t *testing.T) {
	runnertest.Contexts(t, func(t *testing.T, w *runnertest.Wire, hook func(context.Context)) scripts.Runner {
		client := single(t, w, settings{deadlines: true})
		client.AddHook(hooked{hook: hook})
		return errtest.Must(goredisrunner.New(client))
	}, goredisrunner.ErrHanging)
}

// hooked calls hook before each EVALSHA.
type hooked struct {
	redis.Hook
	hook func(context.Context)
}

func (h hooked) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hooked) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			h.hook(ctx)
		}
		if ctx.Err() != nil {
			ctx = context.Background() // it goes on after the context has ended
		}
		return next(ctx, cmd)
	}
}

func (h hooked) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

package rueidisrunner_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

func TestEndedContextSendsNothing(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithTimeout(context.Background(), -time.Second)
	defer cancel()
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			w := runnertest.New(t)
			client := &counting{Client: connect(t, w, 0)}
			run := errtest.Must(rueidisrunner.New(client))
			if _, err := run.Run(cancelled, runnertest.Count, []string{"key"}, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v, want context.Canceled", err)
			}
			if _, err := run.Run(late, runnertest.Count, []string{"key"}, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Run = %v, want context.DeadlineExceeded", err)
			}
			if sent := w.ScriptCommands(); len(sent) > 0 || client.did > 0 || w.Server.Exists("key") {
				t.Errorf("gave the client %d commands, it sent %v; want nothing", client.did, sent)
			}
		})
	}
}

// counting counts the commands that a client is given.
type counting struct {
	rueidis.Client
	did int
}

func (c *counting) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	c.did++
	return c.Client.Do(ctx, cmd)
}

// TestHangEndsByDeadline: a call to a server that never answers ends at the context's deadline. (ConnWriteTimeout ends a
// call without a deadline: see TestLostReplyIsNotResent.)
func TestHangEndsByDeadline(t *testing.T) {
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			var sent []string
			var err error
			for timeout := 100 * time.Millisecond; len(sent) == 0; timeout *= 2 { // until the call is sent before its deadline
				w := runnertest.New(t)
				run := errtest.Must(rueidisrunner.New(connect(t, w, time.Hour)))
				if _, err := run.Run(context.Background(), runnertest.Count, []string{"warm"}, nil); err != nil {
					t.Fatal(err)
				}
				w.Forget()
				w.Once("evalsha", runnertest.Fate{Then: runnertest.Hang})
				ctx, cancel := context.WithTimeout(context.Background(), timeout)
				_, err = run.Run(ctx, runnertest.Count, []string{"key"}, nil)
				cancel()
				sent = w.ScriptCommands()
				w.HangUp()
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Run = %v, want context.DeadlineExceeded", err)
			}
			if !slices.Equal(sent, []string{"evalsha"}) {
				t.Errorf("sent %v, want evalsha once", sent)
			}
		})
	}
}

// TestHangEndsByCancel: a call in a pipeline ends at once if its context is canceled.
func TestHangEndsByCancel(t *testing.T) {
	w := runnertest.New(t)
	defer w.HangUp()
	run := errtest.Must(rueidisrunner.New(topologies["single, always pipelining"](t, w, time.Hour)))
	ctx, cancel := context.WithCancel(context.Background())
	w.Decide(func(cmd []string) runnertest.Fate {
		if cmd[0] != "evalsha" {
			return runnertest.Fate{}
		}
		cancel()
		return runnertest.Fate{Then: runnertest.Hang}
	})
	if _, err := run.Run(ctx, runnertest.Count, []string{"key"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

// TestDialEndsByCancel: a call to a server that can't be reached ends if its context is canceled.
func TestDialEndsByCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	known := false
	o := rueidis.ClientOption{InitAddress: []string{"nowhere:6379"}, ForceSingleClient: true, DisableCache: true}
	o.DialCtxFn = func(ctx context.Context, _ string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
		if !known { // the dial of NewClient
			return nil, errors.New("not yet")
		}
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	client, _ := rueidis.NewClient(o) // with ForceSingleClient there is a client despite the error
	t.Cleanup(client.Close)
	known = true
	_, err := errtest.Must(rueidisrunner.New(client)).Run(ctx, runnertest.Count, []string{"key"}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
}

// TestContexts runs the tests of runnertest.Contexts over a client that ignores contexts.
func TestContexts(t *testing.T) {
	runnertest.Contexts(t, func(t *testing.T, w *runnertest.Wire, hook func(context.Context)) scripts.Runner {
		return errtest.Must(rueidisrunner.New(hooked{connect(t, 0, single(w)), hook}))
	}, rueidisrunner.ErrHanging)
}

// hooked calls hook before each EVALSHA.
type hooked struct {
	rueidis.Client
	hook func(context.Context)
}

func (h hooked) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	if cmd.Commands()[0] == "EVALSHA" {
		h.hook(ctx)
	}
	if ctx.Err() != nil {
		ctx = context.Background() // it goes on after the context has ended
	}
	return h.Client.Do(ctx, cmd)
}

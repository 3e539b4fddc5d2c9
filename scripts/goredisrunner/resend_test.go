package goredisrunner_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// TestClientAloneResends shows what TestLostReplyIsNotResent would find without the runner: go-redis' own EvalSha runs a
// script twice without an error. If this test fails, go-redis has changed its default, or the wire no longer loses replies.
func TestClientAloneResends(t *testing.T) {
	for _, topology := range []string{"single", "cluster", "ring", "failover"} {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			w := runnertest.New(t)
			client := topologies[topology](t, w, settings{})
			if err := client.Eval(t.Context(), runnertest.Count.Source(), []string{"warm"}).Err(); err != nil {
				t.Fatal(err)
			}
			w.Once("evalsha", runnertest.Fate{Then: runnertest.Lose})
			if err := client.EvalSha(t.Context(), runnertest.Count.SHA1(), []string{"key"}).Err(); err != nil {
				t.Error(err)
			}
			if n, _ := w.Server.Get("key"); n != "2" {
				t.Errorf("the script has run %s times; go-redis is expected to resend it", n)
			}
		})
	}
}

// TestDialFailure: a failed dial gives go-redis' own error.
func TestDialFailure(t *testing.T) {
	refused := errors.New("no route")
	client := closing(t, redis.NewClient(&redis.Options{
		Addr: "nowhere:6379", DialerRetries: 1,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, refused },
	}), nil)
	if _, err := errtest.Must(goredisrunner.New(client)).Run(t.Context(), runnertest.Count, []string{"key"}, nil); !errors.Is(err, refused) {
		t.Errorf("Run = %v, want the dialer's error", err)
	}
}

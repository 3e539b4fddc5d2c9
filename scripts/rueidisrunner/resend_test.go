package rueidisrunner_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// TestRetryableIsResent shows what TestLostReplyIsNotResent would find if the commands were marked as retryable: rueidis
// sends such a command again, without an error.
func TestRetryableIsResent(t *testing.T) {
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			w := runnertest.New(t)
			client := connect(t, w, 0)
			if _, err := errtest.Must(rueidisrunner.New(client)).Run(context.Background(), runnertest.Count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}
			w.Once("evalsha", runnertest.Fate{Then: runnertest.Lose})
			cmd := client.B().Evalsha().Sha1(runnertest.Count.SHA1()).Numkeys(1).Key("key").Build().ToRetryable()
			if err := client.Do(context.Background(), cmd).Error(); err != nil {
				t.Error(err)
			}
			if n, _ := w.Server.Get("key"); n != "2" {
				t.Errorf("the script has run %s times; rueidis is expected to resend it", n)
			}
		})
	}
}

// TestDialFailure: a failed dial gives the dialer's own error.
func TestDialFailure(t *testing.T) {
	w := runnertest.New(t)
	refused := errors.New("no route")
	o := single(w)
	o.DialCtxFn = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
		return nil, refused
	}
	o.DisableCache = true
	client, _ := rueidis.NewClient(o) // with ForceSingleClient there is a client despite the error
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience) // in case the runner tries again
	defer cancel()
	if _, err := errtest.Must(rueidisrunner.New(client)).Run(ctx, runnertest.Count, []string{"key"}, nil); !errors.Is(err, refused) {
		t.Errorf("Run = %v, want the dialer's error", err)
	}
}

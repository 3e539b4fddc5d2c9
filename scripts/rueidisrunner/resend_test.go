package rueidisrunner_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

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

// TestConnLifetime tests the exception that the package comment names, and the way to avoid it. If the first half fails,
// rueidis has fixed it, and the comment can be deleted.
func TestConnLifetime(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*rueidis.ClientOption)
		runs string
	}{
		{"pipelining", func(o *rueidis.ClientOption) { o.AlwaysPipelining = true }, "2"},
		{"never pipelining", func(o *rueidis.ClientOption) { o.DisableAutoPipelining = true }, "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := runnertest.New(t)
			o := single(w)
			o.ConnLifetime = 200 * time.Millisecond
			test.set(&o)
			run := errtest.Must(rueidisrunner.New(connect(t, time.Second, o)))
			if _, err := run.Run(context.Background(), runnertest.Count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}
			w.Once("evalsha", runnertest.Fate{Then: runnertest.Hang})
			_, err := run.Run(context.Background(), runnertest.Count, []string{"key"}, nil)
			if n, _ := w.Server.Get("key"); n != test.runs || (err == nil) != (n == "2") {
				t.Errorf("the script has run %s times and Run's error is %v", n, err)
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
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // in case the runner tries again
	defer cancel()
	if _, err := errtest.Must(rueidisrunner.New(client)).Run(ctx, runnertest.Count, []string{"key"}, nil); !errors.Is(err, refused) {
		t.Errorf("Run = %v, want the dialer's error", err)
	}
}

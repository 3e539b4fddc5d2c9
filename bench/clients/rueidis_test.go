package clients_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/wiretest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// connect returns a client that may be redirected by the server that it connects to.
func connect(t testing.TB, w *wiretest.Wire, timeout time.Duration) rueidis.Client {
	t.Helper()
	o := rueidis.ClientOption{InitAddress: []string{w.Addr}, ConnWriteTimeout: timeout}
	o.Standalone.EnableRedirect = true
	o.DisableCache = true // miniredis has no CLIENT TRACKING
	o.Dialer.KeepAlive = timeout / 5
	return opened(t, o)
}

func opened(t testing.TB, o rueidis.ClientOption) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestStandaloneRedirect(t *testing.T) {
	suite := wiretest.Suite{
		Package: "rueidisrunner",
		Topologies: map[string]wiretest.Connect{
			"standalone": func(tb testing.TB, w *wiretest.Wire, timeout time.Duration) scripts.Runner {
				return rueidisrunner.New(connect(tb, w, timeout))
			},
		},
		IsTimeout: func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) },
		IsAnswer: func(err error, beginning string) bool {
			var answer *rueidis.RedisError
			return errors.As(err, &answer) && strings.HasPrefix(answer.Error(), beginning)
		},
	}
	holds(t, suite, []wiretest.Refusal{
		{Topology: "standalone", Text: "REDIRECT " + wiretest.Elsewhere, Followed: true},
		{Topology: "standalone", Text: "LOADING Redis is loading the dataset in memory"},
		{Topology: "standalone", Text: "TRYAGAIN Multiple keys request during rehashing of slot"},
		{Topology: "standalone", Text: "CLUSTERDOWN The cluster is down"},
		{Topology: "standalone", Text: "READONLY You can't write against a read only replica."},
	})
}

// TestRetryableIsResent is what the suite would see if the runner's commands were marked otherwise: rueidis resends
// one that is marked as retryable, and returns no error.
func TestRetryableIsResent(t *testing.T) {
	w := wiretest.New(t)
	client := connect(t, w, 0)
	if _, err := rueidisrunner.New(client).Run(t.Context(), wiretest.Count, []string{"warm"}, nil); err != nil {
		t.Fatal(err)
	}
	w.Once("evalsha", wiretest.Fate{Then: wiretest.Lose})
	cmd := client.B().Evalsha().Sha1(wiretest.Count.SHA1()).Numkeys(1).Key("key").Build().ToRetryable()
	if err := client.Do(t.Context(), cmd).Error(); err != nil {
		t.Error(err)
	}
	if n, _ := w.Server.Get("key"); n != "2" {
		t.Errorf("the script has run %s times; rueidis is expected to resend it", n)
	}
}

// The exception that the package comment names, as rueidis has it, and the way around it. If the
// first half fails, rueidis has mended it, and the comment can go.
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
			w := wiretest.New(t)
			o := rueidis.ClientOption{InitAddress: []string{w.Addr}, ForceSingleClient: true, ConnWriteTimeout: time.Second, DisableCache: true}
			o.Dialer.KeepAlive = o.ConnWriteTimeout / 5
			o.ConnLifetime = 200 * time.Millisecond
			test.set(&o)
			run := rueidisrunner.New(opened(t, o))
			if _, err := run.Run(t.Context(), wiretest.Count, []string{"warm"}, nil); err != nil {
				t.Fatal(err)
			}
			w.Once("evalsha", wiretest.Fate{Then: wiretest.Hang})
			_, err := run.Run(t.Context(), wiretest.Count, []string{"key"}, nil)
			if n, _ := w.Server.Get("key"); n != test.runs || (err == nil) != (n == "2") {
				t.Errorf("the script has run %s times and Run's error is %v", n, err)
			}
		})
	}
}

package rueidisrunner_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/wiretest"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// A connection that is never made is an error, and the dialer's own.
func TestDialFailure(t *testing.T) {
	w := wiretest.New(t)
	refused := errors.New("no route")
	o := single(w)
	o.DialCtxFn = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
		return nil, refused
	}
	o.DisableCache = true
	client, _ := rueidis.NewClient(o) // with ForceSingleClient there is a client even so
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // for a runner that would try on
	defer cancel()
	if _, err := rueidisrunner.New(client).Run(ctx, wiretest.Count, []string{"key"}, nil); !errors.Is(err, refused) {
		t.Errorf("Run = %v, want the dialer's error", err)
	}
}

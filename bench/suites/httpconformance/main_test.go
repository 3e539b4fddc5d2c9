// Package httpconformance_test tests httplimit with real servers, several processes and independent libraries: exact counts over
// processes, header fields, clients that wait for Retry-After, and requests while Redis is unavailable.
package httpconformance_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

func TestMain(m *testing.M) {
	serveAsProcess()
	servers.Main(m)
}

var all = []struct {
	name string
	algorithmtest.Algorithm
}{
	{"fixedwindow", algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal)},
	{"slidinglog", algorithmtest.Of(slidinglog.New, slidinglog.NewLocal)},
	{"gcra", algorithmtest.Of(gcra.New, gcra.NewLocal)},
	{"leakybucket", algorithmtest.Of(leakybucket.New, leakybucket.NewLocal)},
}

// yearly is a limit whose period is longer than any test.
func yearly(rate int64) algorithms.Limit { return algorithms.Per(rate, 365*24*time.Hour) }

// strict returns a middleware that waits long enough on a slow machine, and refuses requests if the limiter fails.
func strict(limiter algorithms.Limiter, opts ...httplimit.Option) func(http.Handler) http.Handler {
	return errtest.Must(httplimit.New(limiter, append(opts, httplimit.Timeout(time.Minute), httplimit.OnFailure(httplimit.Refuse))...))
}

// sharedRedis connects to a server that also has the keys of other tests.
func sharedRedis(t *testing.T) scripts.Runner {
	t.Helper()
	return resptest.Dial(t, servers.Shared(t, servers.All()[0]).Addr)
}

// fresh returns an option with an unused prefix.
func fresh() algorithms.Option { return algorithms.WithPrefix(rand.Text()) }

// newLimiter returns a GCRA limiter with keys of its own.
func newLimiter(t *testing.T, run scripts.Runner, limit algorithms.Limit) algorithms.Limiter {
	t.Helper()
	limiter, err := gcra.New(run, limit, fresh())
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

var served = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "served") })

// fetch sends a request and reads the whole response, so that the connection can be used again.
func fetch(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response, err
}

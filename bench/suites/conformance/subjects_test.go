// Package conformance_test runs Weir's conformance suites over every algorithm, client and server. It also tests what only a real
// server can show: expiry, memory, DUMP, and replies of the real Lua.
package conformance_test

import (
	"cmp"
	"context"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
	"github.com/go-weir/weir/slidinglog"
)

func TestMain(m *testing.M) {
	load.Main(nil)
	servers.Main(m)
}

// An algorithm is a tested limiter, with its name in keys.
type algorithm struct {
	name string
	algorithmtest.Algorithm
}

var all = []algorithm{
	{"fixedwindow", algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal)},
	{"fixedwindow-aligned", algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned())},
	{"slidinglog", algorithmtest.Of(slidinglog.New, slidinglog.NewLocal)},
	{"gcra", algorithmtest.Of(gcra.New, gcra.NewLocal)},
	{"leakybucket", algorithmtest.Of(leakybucket.New, leakybucket.NewLocal)},
}

// oneInMidWindow returns a limit of one request whose aligned window does not end within ten minutes.
func oneInMidWindow() algorithms.Limit {
	for period := time.Hour; ; period += time.Minute {
		if now := time.Now().UTC(); now.Truncate(period).Add(period).Sub(now) > 10*time.Minute {
			return algorithms.Per(1, period)
		}
	}
}

// eachServer runs test as a subtest for miniredis and for each real server.
func eachServer(t *testing.T, test func(t *testing.T, addr string)) {
	t.Run("miniredis", func(t *testing.T) { test(t, miniredis.RunT(t).Addr()) })
	eachRealServer(t, test)
}

// eachRealServer runs test as a subtest for each real server.
func eachRealServer(t *testing.T, test func(t *testing.T, addr string)) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) { test(t, servers.Shared(t, kind).Addr) })
	}
}

// eachClient runs test as a subtest over each client's runner.
func eachClient(t *testing.T, addr string, test func(t *testing.T, run scripts.Runner)) {
	t.Run("goredis", func(t *testing.T) { test(t, errtest.Must(goredisrunner.New(goRedis(t, addr)))) })
	t.Run("rueidis", func(t *testing.T) { test(t, errtest.Must(rueidisrunner.New(newRueidis(t, addr)))) })
}

// rueidisOptions are the options of a client that doesn't give up on a busy machine.
func rueidisOptions(addr string) rueidis.ClientOption {
	return rueidis.ClientOption{
		InitAddress: []string{addr}, AlwaysPipelining: true, DisableCache: true, ForceSingleClient: true,
		Dialer: net.Dialer{Timeout: hung}, ConnWriteTimeout: hung,
	}
}

func newRueidis(t testing.TB, addr string) rueidis.Client {
	t.Helper()
	return connectRueidis(t, rueidisOptions(addr))
}

func connectRueidis(t testing.TB, options rueidis.ClientOption) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func goRedis(t *testing.T, addr string) *redis.Client {
	t.Helper()
	return newGoRedis(t, &redis.Options{Addr: addr})
}

// newGoRedis returns a client that doesn't give up on a busy machine, unless the options say otherwise.
func newGoRedis(t *testing.T, options *redis.Options) *redis.Client {
	t.Helper()
	options.ReadTimeout = cmp.Or(options.ReadTimeout, hung) // also that for writes
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// fresh returns a connection to the server, and an unused prefix.
func fresh(t *testing.T, addr string) (conn *resptest.Conn, prefix string) {
	t.Helper()
	return resptest.Dial(t, addr), "conformance-" + t.Name()
}

// ask asks for n events and fails the test on an error.
func ask(t *testing.T, l algorithms.Limiter, key string, n int64) algorithms.Result {
	t.Helper()
	r, err := l.AllowN(context.Background(), key, n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

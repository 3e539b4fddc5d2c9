package goredisrunner_test

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/wiretest"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// The server is in this process, so its time and its allocations, by far the most, are counted too.
func BenchmarkRun(b *testing.B) {
	client := closing(b, redis.NewClient(&redis.Options{Addr: miniredis.RunT(b).Addr()}), nil)
	bench(b, client)
	wiretest.BenchmarkParallel(b, goredisrunner.New(client))
}

// No server at all: what the runner and go-redis themselves cost.
func BenchmarkRunAlone(b *testing.B) {
	bench(b, closing(b, redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return &wiretest.Canned{}, nil },
	}), nil))
}

func bench(b *testing.B, client redis.UniversalClient) {
	a := wiretest.DecisionArgs
	wiretest.Benchmark(b, goredisrunner.New(client), func(ctx context.Context) error {
		return client.EvalSha(ctx, wiretest.Decision.SHA1(), wiretest.DecisionKeys, a[0], a[1], a[2], a[3]).Err()
	})
}

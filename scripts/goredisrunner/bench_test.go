package goredisrunner_test

import (
	"context"
	"net"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// BenchmarkRun has its server in this process, so most of the time and of the allocations are the server's.
func BenchmarkRun(b *testing.B) {
	client := closing(b, redis.NewClient(&redis.Options{Addr: miniredis.RunT(b).Addr()}), nil)
	bench(b, client)
	runnertest.BenchmarkParallel(b, errtest.Must(goredisrunner.New(client)))
}

// BenchmarkRunAlone has no server. It measures the cost of the runner and of go-redis alone.
func BenchmarkRunAlone(b *testing.B) {
	bench(b, closing(b, redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return &runnertest.Canned{}, nil },
	}), nil))
}

func bench(b *testing.B, client redis.UniversalClient) {
	a := runnertest.DecisionArgs
	runnertest.Benchmark(b, errtest.Must(goredisrunner.New(client)), func(ctx context.Context) error {
		return client.EvalSha(ctx, runnertest.Decision.SHA1(), runnertest.DecisionKeys, a[0], a[1], a[2], a[3]).Err()
	})
}

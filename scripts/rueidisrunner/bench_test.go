package rueidisrunner_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// BenchmarkRun has its server in this process, so most of the time and of the allocations are the server's.
func BenchmarkRun(b *testing.B) {
	client := connect(b, 0, rueidis.ClientOption{InitAddress: []string{miniredis.RunT(b).Addr()}, ForceSingleClient: true})
	bench(b, client)
	runnertest.BenchmarkParallel(b, errtest.Must(rueidisrunner.New(client)))
}

// BenchmarkRunAlone has no server. It measures the cost of the runner and of rueidis alone.
func BenchmarkRunAlone(b *testing.B) {
	bench(b, connect(b, time.Hour, rueidis.ClientOption{
		InitAddress: []string{"nowhere:6379"}, ForceSingleClient: true, AlwaysRESP2: true,
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
			return &runnertest.Canned{}, nil
		},
	}))
}

func bench(b *testing.B, client rueidis.Client) {
	runnertest.Benchmark(b, errtest.Must(rueidisrunner.New(client)), func(ctx context.Context) error {
		cmd := client.B().Evalsha().Sha1(runnertest.Decision.SHA1()).Numkeys(1).
			Key(runnertest.DecisionKeys...).Arg(runnertest.DecisionArgs...).Build()
		return client.Do(ctx, cmd).Error()
	})
}

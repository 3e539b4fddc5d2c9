package grpclimit_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

// BenchmarkInterceptor measures the interceptor alone, without gRPC and with a limiter that takes no time.
func BenchmarkInterceptor(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background()) // a server's calls have a context that can be canceled
	defer cancel()
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}})
	ctx = metadata.NewIncomingContext(ctx, metadata.Pairs( // what grpc-go sends, and a token
		":authority", "limits.example", "content-type", "application/grpc", "user-agent", "grpc-go/1.85.0",
		"grpc-accept-encoding", "gzip", "authorization", "Bearer 7d3f",
	))
	info := &grpc.UnaryServerInfo{FullMethod: method}
	handler := func(context.Context, any) (any, error) { return nil, nil }
	for _, variant := range []struct {
		name    string
		limiter algorithms.Limiter
		opts    []grpclimit.Option
	}{
		{"default", stub(admits), nil},
		{"no timeout", stub(admits), []grpclimit.Option{httplimit.Timeout(0)}},
		{"two limiters", stub(admits), []grpclimit.Option{grpclimit.Also(stub(admits), httplimit.Name("more"))}},
		{"denied", stub(denies), nil},
	} {
		limit := must(grpclimit.New(variant.limiter, variant.opts...))
		b.Run(variant.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				_, _ = limit.Unary(ctx, nil, info, handler)
			}
		})
	}
}

// BenchmarkCall measures a whole call of one client to a server on this machine.
func BenchmarkCall(b *testing.B) {
	for name, opts := range map[string][]grpc.ServerOption{
		"without": nil,
		"with":    {grpc.ChainUnaryInterceptor(must(grpclimit.New(stub(admits))).Unary)},
		"refused": {grpc.ChainUnaryInterceptor(must(grpclimit.New(stub(denies))).Unary)},
	} {
		b.Run(name, func(b *testing.B) {
			c := dial(b, opts)
			for range b.N {
				if err := c.call(context.Background()); (err != nil) != (name == "refused") {
					b.Fatal(err)
				}
			}
		})
	}
}

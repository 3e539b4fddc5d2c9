package grpclimit_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/slidinglog"
)

// The examples decide in this process. For limits over Redis use gcra.New with a Runner: see packages goredisrunner and
// rueidisrunner.

// connect makes a server serve gRPC's test service and health checks, and returns a connection to it.
func connect(server *grpc.Server) *grpc.ClientConn {
	testgrpc.RegisterTestServiceServer(server, service{served: new(atomic.Int64)})
	healthgrpc.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = server.Serve(listener) }() // until Stop
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	return conn
}

// Each client address may call twice an hour.
func Example() {
	// README
	limiter, err := gcra.NewLocal(algorithms.PerHour(2)) // over Redis: gcra.New(runner, algorithms.PerHour(2))
	if err != nil {
		panic(err)
	}
	limit, err := grpclimit.New(limiter)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(
		grpc.ChainUnaryInterceptor(limit.Unary),
		grpc.ChainStreamInterceptor(limit.Stream),
	)
	// end of README
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	client := testgrpc.NewTestServiceClient(conn)
	for range 3 {
		// README
		_, err := client.EmptyCall(context.Background(), &testgrpc.Empty{})
		fmt.Println(status.Code(err))
		for _, detail := range status.Convert(err).Details() {
			if retry, ok := detail.(*errdetails.RetryInfo); ok {
				fmt.Println("come again in", retry.GetRetryDelay().AsDuration().Round(time.Minute))
			}
		}
		// end of README
	}
	// Output:
	// OK
	// OK
	// ResourceExhausted
	// come again in 30m0s
}

// Callers are counted by their API key, which is a value of the metadata.
func ExampleNew() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	limit, err := grpclimit.New(limiter, httplimit.Key(httplimit.Header("x-api-key")))
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	for _, key := range []string{"7d3f", "91c0", "7d3f"} {
		call(conn, key)
	}
	// Output:
	// 7d3f OK
	// 91c0 OK
	// 7d3f ResourceExhausted
	// limiter "default" admits 1/hour
}

// call makes a call with an API key. It prints the status and, for a call that was denied, the limit that denied it.
func call(conn *grpc.ClientConn, key string) {
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-api-key", key)
	_, err := testgrpc.NewTestServiceClient(conn).EmptyCall(ctx, &testgrpc.Empty{})
	fmt.Println(key, status.Code(err))
	for _, detail := range status.Convert(err).Details() {
		if quota, ok := detail.(*errdetails.QuotaFailure); ok {
			fmt.Println(quota.GetViolations()[0].GetDescription())
		}
	}
}

// A client may have one stream open at a time. A second one is refused until the first ends.
func ExampleNewInflight() {
	limiter, err := inflight.NewLocal(1, 30*time.Second)
	if err != nil {
		panic(err)
	}
	limit, err := grpclimit.NewInflight(limiter)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	for range 2 {
		stream, err := testgrpc.NewTestServiceClient(conn).FullDuplexCall(context.Background())
		if err != nil {
			panic(err)
		}
		_ = stream.Send(&testgrpc.StreamingOutputCallRequest{}) // its error is that of Recv
		_, err = stream.Recv()
		fmt.Println(status.Code(err))
	}
	// Output:
	// OK
	// ResourceExhausted
}

// Health checks and reflection are not limited.
func Example_healthChecks() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	// README
	limit, err := grpclimit.New(limiter, httplimit.Skip(func(call *http.Request) bool {
		return strings.HasPrefix(call.URL.Path, "/grpc.health.v1.Health/") || strings.HasPrefix(call.URL.Path, "/grpc.reflection.")
	}))
	if err != nil {
		panic(err)
	}
	// end of README
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	for range 2 {
		_, err := healthgrpc.NewHealthClient(conn).Check(context.Background(), &healthgrpc.HealthCheckRequest{})
		fmt.Println("health check:", status.Code(err))
		_, err = testgrpc.NewTestServiceClient(conn).EmptyCall(context.Background(), &testgrpc.Empty{})
		fmt.Println("another call:", status.Code(err))
	}
	// Output:
	// health check: OK
	// another call: OK
	// health check: OK
	// another call: ResourceExhausted
}

type callerKey struct{}

// authenticate admits callers with a known API key, and puts their names into the context.
func authenticate(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	callers := map[string]string{"7d3f": "alice", "91c0": "bob", "e5a2": "carol"} // a real service looks for a hash of the key
	keys := metadata.ValueFromIncomingContext(ctx, "x-api-key")
	if len(keys) != 1 || callers[keys[0]] == "" {
		return nil, status.Error(codes.Unauthenticated, "unknown key")
	}
	return handle(context.WithValue(ctx, callerKey{}, callers[keys[0]]), request)
}

// A client can send a different API key with each call. So addresses are limited first, and verified callers after that. Each
// method has a limit for all callers together.
func ExampleAlso() {
	perAddress, perMethod := must(gcra.NewLocal(algorithms.PerHour(5))), must(gcra.NewLocal(algorithms.PerHour(2)))
	perCaller := must(slidinglog.NewLocal(algorithms.PerHour(1)))
	// README
	byAddress, err := grpclimit.New(perAddress)
	if err != nil {
		panic(err)
	}
	byCaller, err := grpclimit.New(perCaller,
		httplimit.Name("caller"),
		httplimit.Key(httplimit.ContextValue(callerKey{})), // authenticate has put it there
		grpclimit.Also(perMethod, httplimit.Name("method"), httplimit.Key(httplimit.Pattern())),
	)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(byAddress.Unary, authenticate, byCaller.Unary))
	// end of README
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	for _, key := range []string{"7d3f", "7d3f", "91c0", "e5a2", "guess 1", "guess 2"} {
		call(conn, key)
	}
	// Output:
	// 7d3f OK
	// 7d3f ResourceExhausted
	// limiter "caller" admits 1/hour
	// 91c0 OK
	// e5a2 ResourceExhausted
	// limiter "method" admits 2/hour
	// guess 1 Unauthenticated
	// guess 2 ResourceExhausted
	// limiter "default" admits 5/hour
}

// A new limit for each method is tried beside the limit in force. It reports what it would do, and refuses no call.
func ExampleOnShadow() {
	perPeer, err := gcra.NewLocal(algorithms.PerHour(100))
	if err != nil {
		panic(err)
	}
	perMethod, err := gcra.NewLocal(algorithms.PerHour(1))
	if err != nil {
		panic(err)
	}
	limit, err := grpclimit.New(perPeer,
		grpclimit.Also(perMethod, httplimit.Name("method"), httplimit.Key(httplimit.Path()), httplimit.Shadow()),
		grpclimit.OnShadow(func(call *http.Request, s httplimit.Shadowed) { fmt.Println(call.URL.Path, s.Limiter, s.Outcome) }),
	)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	for range 2 {
		_, err := testgrpc.NewTestServiceClient(conn).EmptyCall(context.Background(), &testgrpc.Empty{})
		fmt.Println(status.Code(err))
	}
	// Output:
	// /grpc.testing.TestService/EmptyCall method pass
	// OK
	// /grpc.testing.TestService/EmptyCall method denied
	// OK
}

// A stream of four messages costs the same as four calls.
func ExamplePerMessage() {
	limiter, err := gcra.NewLocal(algorithms.PerHour(3))
	if err != nil {
		panic(err)
	}
	limit, err := grpclimit.New(limiter, grpclimit.PerMessage())
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream))
	defer server.Stop()
	conn := connect(server)
	defer conn.Close()
	stream, err := testgrpc.NewTestServiceClient(conn).FullDuplexCall(context.Background())
	if err != nil {
		panic(err)
	}
	for range 4 {
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{}); err != nil {
			panic(err)
		}
		_, err := stream.Recv()
		fmt.Println(status.Code(err))
	}
	// Output:
	// OK
	// OK
	// OK
	// ResourceExhausted
}

package grpclimit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

// service is gRPC's own test service: EmptyCall is unary, and FullDuplexCall answers each message with one.
type service struct {
	testgrpc.UnimplementedTestServiceServer
	served *atomic.Int64 // how often a handler was called
}

func (s service) EmptyCall(context.Context, *testgrpc.Empty) (*testgrpc.Empty, error) {
	s.served.Add(1)
	return &testgrpc.Empty{}, nil
}

func (s service) FullDuplexCall(stream testgrpc.TestService_FullDuplexCallServer) error {
	s.served.Add(1)
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.Send(&testgrpc.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
}

// A client of the service. It counts the calls that reach the handlers.
type client struct {
	testgrpc.TestServiceClient
	served *atomic.Int64
}

// patient is a Timeout that is long enough on any machine.
var patient = httplimit.Timeout(time.Hour)

// limitOf returns an Interceptor with the Timeout patient.
func limitOf(limiter algorithms.Limiter, opts ...grpclimit.Option) *grpclimit.Interceptor {
	return must(grpclimit.New(limiter, append(opts, patient)...))
}

// serve starts a server with the outer interceptors and, inside of them, those of limit, and returns a client.
func serve(t testing.TB, limit *grpclimit.Interceptor, outer []grpc.ServerOption, opts ...grpc.DialOption) client {
	t.Helper()
	return dial(t, append(outer, grpc.ChainUnaryInterceptor(limit.Unary), grpc.ChainStreamInterceptor(limit.Stream)), opts...)
}

// dial starts a server, and returns a client.
func dial(t testing.TB, serverOpts []grpc.ServerOption, opts ...grpc.DialOption) client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := grpc.NewServer(serverOpts...), new(atomic.Int64)
	testgrpc.RegisterTestServiceServer(server, service{served: served})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client{testgrpc.NewTestServiceClient(conn), served}
}

// call makes a unary call.
func (c client) call(ctx context.Context, opts ...grpc.CallOption) error {
	_, err := c.EmptyCall(ctx, &testgrpc.Empty{}, opts...)
	return err
}

// talk opens a stream, sends n messages, each after the answer to the one before, and ends it.
func (c client) talk(ctx context.Context, n int, opts ...grpc.CallOption) error {
	stream, err := c.FullDuplexCall(ctx, opts...)
	if err != nil {
		return err
	}
	for range n {
		// An error of Send is ignored, as Recv returns the reason.
		_ = stream.Send(&testgrpc.StreamingOutputCallRequest{})
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// detailsOf returns the details of an error's status, or nil for one that is missing.
func detailsOf(err error) (retry *errdetails.RetryInfo, quota *errdetails.QuotaFailure) {
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.RetryInfo:
			retry = detail
		case *errdetails.QuotaFailure:
			quota = detail
		}
	}
	return retry, quota
}

// waitOf returns the wait in the RetryInfo of an error, or 0 if there is none.
func waitOf(err error) time.Duration {
	retry, _ := detailsOf(err)
	return retry.GetRetryDelay().AsDuration()
}

// must returns made, and panics if there is an error.
func must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}

// A stub is a limiter that gives one answer to all questions.
type stub func(ctx context.Context) (algorithms.Result, error)

func (s stub) Allow(ctx context.Context, _ string) (algorithms.Result, error) { return s(ctx) }

func (s stub) AllowN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	return s(ctx)
}

func (s stub) Peek(ctx context.Context, _ string) (algorithms.Result, error) { return s(ctx) }

func (s stub) PeekN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) { return s(ctx) }

func (s stub) Reset(context.Context, string) error { return nil }

func (s stub) Local() (algorithms.Limiter, error) { return s, nil }

var errDown = errors.New("server is down")

func admits(context.Context) (algorithms.Result, error) {
	return algorithms.Result{Allowed: true, Limit: 100, Remaining: 57}, nil
}

func denies(context.Context) (algorithms.Result, error) {
	return algorithms.Result{Limit: 100, RetryAfter: 600 * time.Millisecond}, nil
}

func fails(context.Context) (algorithms.Result, error) { return algorithms.Result{}, errDown }

// hangs returns when its context ends.
func hangs(ctx context.Context) (algorithms.Result, error) {
	<-ctx.Done()
	return algorithms.Result{}, ctx.Err()
}

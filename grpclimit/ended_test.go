package grpclimit_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/grpclimit"
	"github.com/go-weir/weir/httplimit"
)

// TestTimeout: a limiter that does not answer in time has failed, and the policy decides.
func TestTimeout(t *testing.T) {
	var told error
	c := serve(t, must(grpclimit.New(stub(hangs), httplimit.Timeout(time.Millisecond), httplimit.OnFailure(httplimit.Refuse),
		grpclimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = f.Err }))), nil)
	if err := c.call(context.Background()); status.Code(err) != codes.Unavailable || !errors.Is(told, context.DeadlineExceeded) {
		t.Errorf("%v, the hook got %v", err, told)
	}
}

// TestCallerGone: if the caller no longer waits, that doesn't count as a failure of the limiter.
func TestCallerGone(t *testing.T) {
	for kind, call := range kinds {
		t.Run(kind, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			limiter := stub(func(asked context.Context) (algorithms.Result, error) {
				cancel()
				return hangs(asked)
			})
			refused := make(chan error, 1)
			c := serve(t, limitOf(limiter, httplimit.OnFailure(httplimit.Refuse),
				grpclimit.OnError(func(_ *http.Request, f httplimit.Failure) { t.Errorf("the hook got %v", f.Err) }),
			), []grpc.ServerOption{
				grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
					answer, err := next(ctx, req)
					refused <- err
					return answer, err
				}),
				grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
					err := next(srv, stream)
					refused <- err
					return err
				}),
			})
			if err := call(c, ctx); status.Code(err) != codes.Canceled {
				t.Errorf("the client has %v", err)
			}
			if err := <-refused; status.Code(err) != codes.Canceled || c.served.Load() != 0 {
				t.Errorf("the server answers %v, %d calls reached the handler", err, c.served.Load())
			}
		})
	}
}

// TestDeadline: if a call's deadline passes while the limiter is asked, its status is DeadlineExceeded, and its handler
// isn't called.
func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	limit := limitOf(stub(hangs))
	_, err := limit.Unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
		t.Error("served")
		return nil, nil
	})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Error(err)
	}
}

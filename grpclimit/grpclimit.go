package grpclimit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// An Interceptor asks limiters about each call. Its methods are a server's interceptors; one Interceptor
// serves any number of servers.
type Interceptor struct {
	decider    *httplimit.Decider
	perMessage bool
	pushback   time.Duration // the longest wait that is told as one
	wrong      []error
}

var (
	_ grpc.UnaryServerInterceptor  = (*Interceptor)(nil).Unary
	_ grpc.StreamServerInterceptor = (*Interceptor)(nil).Stream
)

// New returns an interceptor that asks the limiter about each call, and calls the handler or refuses the call.
// Without options each peer's address is counted for itself, each call costs 1, and if the limiter gives no answer within
// 250 ms, a limiter of the same limit in this process decides (httplimit.Local). Failures are logged to log/slog's default
// logger.
//
// Options that concern one limiter apply to the given one here, and to another in [Also]. Of an option that is
// given twice the last counts, except for httplimit.Skip: all of them hold.
//
// The errors are those of httplimit.New.
func New(limiter algorithms.Limiter, opts ...Option) (*Interceptor, error) {
	i := &Interceptor{pushback: defaultPushback}
	var deciding []httplimit.DeciderOption
	for _, opt := range opts {
		switch opt := opt.(type) {
		case option:
			opt.apply(i)
		case httplimit.DeciderOption:
			deciding = append(deciding, opt)
		case nil:
			i.complain("an option is nil")
		default:
			i.complain("an option is another package's, of type %T", opt)
		}
	}
	decider, err := httplimit.NewDecider(limiter, deciding...)
	if err := errors.Join(append(i.wrong, err)...); err != nil {
		return nil, err
	}
	i.decider = decider
	return i, nil
}

// complain records that the interceptor cannot work.
func (i *Interceptor) complain(format string, args ...any) {
	i.wrong = append(i.wrong, fmt.Errorf("%w: %s", algorithms.ErrInvalidOption, fmt.Sprintf(format, args...)))
}

// Unary is a grpc.UnaryServerInterceptor.
func (i *Interceptor) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := i.admit(viewOf(ctx, info.FullMethod), true); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream is a grpc.StreamServerInterceptor. It asks before the stream's first message is read.
func (i *Interceptor) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call := viewOf(stream.Context(), info.FullMethod)
	if err := i.admit(call, true); err != nil {
		return err
	}
	if i.perMessage {
		stream = &metered{ServerStream: stream, interceptor: i, call: call}
	}
	return handler(srv, stream)
}

// admit returns nil for a call that is admitted, else the status with which it is refused. The client may
// be told to retry only where that repeats just this.
func (i *Interceptor) admit(call *http.Request, retriable bool) error {
	d := i.decider.Decide(call)
	switch d.Outcome {
	case httplimit.Pass:
		return nil
	case httplimit.Gone:
		return gone(call.Context())
	case httplimit.Unavailable:
		if d.RetryAfter == 0 {
			return refusal(codes.Unavailable, "rate limiter unavailable")
		}
		return refusal(codes.Unavailable, "rate limiter unavailable", retryInfo(d.RetryAfter))
	}
	return i.deny(call.Context(), d, retriable)
}

// gone is the status of a call whose context has ended. Its deadline may have passed before the context's own timer says so.
func gone(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		err = context.DeadlineExceeded
	}
	return status.FromContextError(err).Err()
}

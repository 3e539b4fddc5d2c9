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
	leases     *httplimit.InflightDecider // instead of the decider, if it was made by NewInflight
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
	decider, err := httplimit.NewDecider(limiter, i.apply(opts)...)
	if err := errors.Join(append(i.wrong, err)...); err != nil {
		return nil, err
	}
	i.decider = decider
	return i, nil
}

// apply applies this package's options and returns the others.
func (i *Interceptor) apply(opts []Option) (deciding []httplimit.DeciderOption) {
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
	return deciding
}

// complain records that the interceptor cannot work.
func (i *Interceptor) complain(format string, args ...any) {
	i.wrong = append(i.wrong, fmt.Errorf("%w: %s", algorithms.ErrInvalidOption, fmt.Sprintf(format, args...)))
}

// Unary is a grpc.UnaryServerInterceptor.
func (i *Interceptor) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, leave, err := i.enter(viewOf(ctx, info.FullMethod))
	if err != nil {
		return nil, err
	}
	defer leave()
	return handler(ctx, req)
}

// Stream is a grpc.StreamServerInterceptor. It asks before the stream's first message is read.
func (i *Interceptor) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	call := viewOf(stream.Context(), info.FullMethod)
	ctx, leave, err := i.enter(call)
	if err != nil {
		return err
	}
	defer leave()
	if i.leases != nil {
		stream = &leased{stream, ctx}
	}
	if i.perMessage {
		stream = &metered{ServerStream: stream, interceptor: i, call: call}
	}
	return handler(srv, stream)
}

// enter returns what a call that is admitted is served under, and what is to be called when it has been served.
func (i *Interceptor) enter(call *http.Request) (ctx context.Context, leave func(), err error) {
	if i.leases != nil {
		return i.enterLeased(call)
	}
	return call.Context(), func() {}, i.admit(call, true)
}

// admit returns nil for a call that is admitted, else the status with which it is refused. The client may
// be told to retry only where that repeats just this.
func (i *Interceptor) admit(call *http.Request, retriable bool) error {
	return i.answer(call, i.decider.Decide(call), retriable)
}

// answer returns nil for a call that was admitted, else its status.
func (i *Interceptor) answer(call *http.Request, d httplimit.Decision, retriable bool) error {
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

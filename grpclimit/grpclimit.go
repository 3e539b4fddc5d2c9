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

// An Interceptor asks limiters about each call. Its methods are interceptors of a server. One Interceptor
// can serve any number of servers.
type Interceptor struct {
	decider    *httplimit.Decider
	leases     *httplimit.InflightDecider // if made by NewInflight, instead of the decider
	perMessage bool
	pushback   time.Duration // the longest wait after which a client is told to retry
	wrong      []error
}

var (
	_ grpc.UnaryServerInterceptor  = (*Interceptor)(nil).Unary
	_ grpc.StreamServerInterceptor = (*Interceptor)(nil).Stream
)

// New returns an interceptor that asks the limiter about each call, and calls the handler or refuses the call. Without options
// the key is the peer's address, and each call costs 1. If the limiter gives no answer within 250 ms, a limiter of the same
// limit in this process decides (httplimit.Local). Failures are logged to log/slog's default logger.
//
// An option that concerns one limiter applies to limiter here, and to another limiter in [Also]. If an option is given twice the
// last one counts, except for httplimit.Skip: all of them apply.
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

// enter returns the context under which an admitted call is served, and a function to call when it has been served.
func (i *Interceptor) enter(call *http.Request) (ctx context.Context, leave func(), err error) {
	if i.leases != nil {
		return i.enterLeased(call)
	}
	return call.Context(), func() {}, i.admit(call, true)
}

// admit returns nil for a call that is admitted, or the status with which it is refused. A retry must repeat only what was
// refused; if it would repeat more, retriable is false.
func (i *Interceptor) admit(call *http.Request, retriable bool) error {
	return i.answer(call, i.decider.Decide(call), retriable)
}

// answer returns nil for a call that was admitted, or its status.
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

// gone returns the status of a call whose context has ended. Its deadline may have passed before the context's own timer.
func gone(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		err = context.DeadlineExceeded
	}
	return status.FromContextError(err).Err()
}

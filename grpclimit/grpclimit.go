package grpclimit

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/gate"
)

// An Interceptor asks limiters about each call. Its methods are a server's interceptors; one Interceptor
// serves any number of servers.
type Interceptor struct {
	gate       gate.Gate
	perMessage bool
	pushback   time.Duration                          // the longest wait that is told as one
	onDenied   func(*http.Request, httplimit.Verdict) // nil: nobody is told
}

var (
	_ grpc.UnaryServerInterceptor  = (*Interceptor)(nil).Unary
	_ grpc.StreamServerInterceptor = (*Interceptor)(nil).Stream
)

// New returns an interceptor that asks the limiter about each call, and hands it on to the handler or
// refuses it. Without options each peer's address is counted for itself, each call costs 1, and a call for
// which the limiter gives no answer within 250 ms is let through.
//
// Options that concern one limiter are the given one's here, and another's in [Also]. An option given
// twice counts as given last, but for httplimit.Skip: all of them hold.
//
// New panics for a configuration that cannot work, such as a nil limiter, a nil function or two limiters
// of one name, with an error that wraps algorithms.ErrInvalidOption and says all that is wrong.
func New(limiter algorithms.Limiter, opts ...Option) *Interceptor {
	i := &Interceptor{pushback: defaultPushback}
	first := i.add(limiter)
	for _, opt := range opts {
		switch opt := opt.(type) {
		case nil:
			first.Complain("an option is nil")
		case option:
			opt(i)
		default:
			opt.Configure(first)
		}
	}
	if err := i.gate.Check(); err != nil {
		panic(err)
	}
	return i
}

// add adds a rule for the limiter, with the defaults.
func (i *Interceptor) add(limiter algorithms.Limiter) *gate.Rule {
	rule := gate.NewRule(limiter)
	rule.Key = httplimit.ClientIP()
	i.gate.Rules = append(i.gate.Rules, rule)
	return rule
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
	d := i.gate.Decide(call)
	defer d.Free()
	switch d.Outcome() {
	case gate.Pass:
		return nil
	case gate.Gone:
		return status.FromContextError(call.Context().Err()).Err()
	case gate.Unavailable:
		return refusal(codes.Unavailable, "rate limiter unavailable", retryInfo(time.Second))
	}
	return i.deny(call, d, retriable)
}

package grpclimit

import (
	"context"
	"errors"
	"net/http"

	"google.golang.org/grpc"

	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/inflight"
)

// NewInflight returns an interceptor that limits how many calls of a key are served at the same time. A call holds a lease of
// limiter while its handler runs, a stream for as long as it lasts. If no lease is free, the call is refused with
// ResourceExhausted and a RetryInfo of a second.
//
// The options and errors are those of [New], with the same differences as for httplimit.NewInflight. For [PerMessage] NewInflight
// returns an error.
func NewInflight(limiter inflight.Limiter, opts ...Option) (*Interceptor, error) {
	i := &Interceptor{pushback: defaultPushback}
	leases, err := httplimit.NewInflightDecider(limiter, i.apply(opts)...)
	if i.perMessage {
		i.complain("PerMessage can't be used with leases")
	}
	if err := errors.Join(append(i.wrong, err)...); err != nil {
		return nil, err
	}
	i.leases = leases
	return i, nil
}

// enterLeased is enter for a call that needs a lease.
func (i *Interceptor) enterLeased(call *http.Request) (ctx context.Context, leave func(), err error) {
	d, ctx, release := i.leases.Decide(call)
	if err := i.answer(call, d, true); err != nil {
		release()
		return nil, nil, err
	}
	return ctx, release, nil
}

// leased is a stream with another context.
type leased struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (l *leased) Context() context.Context { return l.ctx }

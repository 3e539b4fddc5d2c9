package httplimit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
)

// A holder has the leases of one request: none, the one that it was admitted by, or several if a question was given up whose
// answer came at that moment.
type holder struct {
	mu     sync.Mutex
	leases []*inflight.Lease
	over   bool // the request has been answered
}

type holderKey struct{}

// holderOf returns the holder of a request's context.
func holderOf(ctx context.Context) *holder { return ctx.Value(holderKey{}).(*holder) }

// add gives the holder a lease. If the question that has led to it was given up, the lease is given back, and the error says so.
func (h *holder) add(ctx context.Context, lease *inflight.Lease) error {
	err := ctx.Err()
	h.mu.Lock()
	switch {
	case err == nil && h.over:
		err = context.Canceled
	case err == nil:
		h.leases = append(h.leases, lease)
	}
	h.mu.Unlock()
	if err != nil {
		_ = lease.Release() // the lease ends by itself if this fails
		return fmt.Errorf("weir: the answer came too late: %w", err)
	}
	return nil
}

// context returns a copy of ctx that ends, besides, when one of the leases is lost.
func (h *holder) context(ctx context.Context) context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, lease := range h.leases {
		ctx = lease.Context(ctx)
	}
	return ctx
}

// release gives the leases back.
func (h *holder) release() {
	h.mu.Lock()
	leases := h.leases
	h.leases, h.over = nil, true
	h.mu.Unlock()
	for _, lease := range leases {
		_ = lease.Release() // a lease ends by itself if this fails
	}
}

// refusal returns the answer of a limiter that has given no lease.
func refusal(err error) (algorithms.Result, error) {
	var full *inflight.FullError
	if !errors.As(err, &full) {
		return algorithms.Result{}, err
	}
	result := full.Result
	result.RetryAfter = untilFree
	return result, nil
}

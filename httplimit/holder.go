package httplimit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
)

// A holder has the leases of one request. It has none or one. It can have several if an answer came just when its call was given
// up.
type holder struct {
	mu     sync.Mutex
	leases []*inflight.Lease
	over   bool // the request has been answered
}

type holderKey struct{}

// holderOf returns the holder of a request's context.
func holderOf(ctx context.Context) *holder { return ctx.Value(holderKey{}).(*holder) }

// add adds a lease. If the call that took the lease was given up, add gives the lease back and returns an error.
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

// context returns a copy of ctx that also ends when one of the leases is lost.
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

// refusal returns the answer of a limiter that has given no lease: a denial if all are held, and otherwise err.
func refusal(err error) (algorithms.Result, error) {
	var full *inflight.FullError
	if !errors.As(err, &full) {
		return algorithms.Result{}, err
	}
	result := full.Result
	result.RetryAfter = untilFree
	return result, nil
}

package httplimit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A ledger is a Reserver with a limit of ten. Its charges don't expire: only settlements give something back.
type ledger struct {
	mu      sync.Mutex
	charged int64
	settled []int64
	fails   error                       // of each Reserve
	during  func(context.Context) error // called by each settlement, unless nil
	local   *ledger
}

func (l *ledger) Reserve(_ context.Context, _ string, n int64) (*algorithms.Reservation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.fails != nil:
		return nil, l.fails
	case l.charged+n > 10:
		return algorithms.NewReservation(algorithms.Result{Limit: 10, Remaining: 10 - l.charged, RetryAfter: time.Minute}, n, nil), nil
	}
	l.charged += n
	return algorithms.NewReservation(algorithms.Result{Allowed: true, Limit: 10, Remaining: 10 - l.charged}, n, func(ctx context.Context, used int64) error {
		if l.during != nil {
			if err := l.during(ctx); err != nil {
				return err
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.charged += used - n
		l.settled = append(l.settled, used)
		return nil
	}), nil
}

func (l *ledger) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return algorithms.Result{}, errors.New("AllowN instead of Reserve")
}

func (l *ledger) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.AllowN(ctx, key, 1)
}

func (l *ledger) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.PeekN(ctx, key, 1)
}

func (l *ledger) PeekN(_ context.Context, _ string, n int64) (algorithms.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return algorithms.Result{Allowed: l.charged+n <= 10, Limit: 10, Remaining: 10 - l.charged}, l.fails
}

func (l *ledger) Reset(context.Context, string) error { return nil }

func (l *ledger) Local() (algorithms.Limiter, error) { return l.local, nil }

func newLedger() *ledger { return &ledger{local: &ledger{local: &ledger{}}} }

func (l *ledger) is(t *testing.T, charged int64, settled ...int64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.charged != charged || fmt.Sprint(l.settled) != fmt.Sprint(settled) {
		t.Errorf("%d are charged, settled with %v, want %d and %v", l.charged, l.settled, charged, settled)
	}
}

package inflight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Lease was taken by [Hold] or [Wait], and is renewed each third of TTL until Release is called. It is safe for concurrent
// use. It has a goroutine only during a renewal.
type Lease struct {
	limiter Limiter
	key, id string
	result  algorithms.Result
	values  context.Context // of the renewals: the caller's context, without its end
	clock   clock

	mu       sync.Mutex
	until    time.Time // the lease can't end before this time of this process's clock
	renewing timer
	ending   timer
	stopped  bool // it was lost or released
	released bool
	lost     error
	failed   error // of the last Renew that failed
	cancels  []context.CancelCauseFunc
}

// newLease returns the lease that was taken by a call which was sent at the time sent.
func newLease(ctx context.Context, clock clock, limiter Limiter, key, id string, result algorithms.Result, sent time.Time) *Lease {
	ttl := limiter.TTL()
	l := &Lease{
		limiter: limiter, key: key, id: id, result: result, values: context.WithoutCancel(ctx), clock: clock, until: sent.Add(ttl),
	}
	l.mu.Lock() // until both timers are there
	defer l.mu.Unlock()
	l.renewing = clock.afterFunc(ttl/3-clock.now().Sub(sent), l.renew)
	l.ending = clock.afterFunc(l.until.Sub(clock.now()), l.end)
	return l
}

// ID returns the lease's id.
func (l *Lease) ID() string { return l.id }

// Result returns the limiter's answer when the lease was taken.
func (l *Lease) Result() algorithms.Result { return l.result }

// Context returns a copy of parent that also ends when the lease is lost or given back. If it was lost, the cause wraps
// [ErrNotHeld].
func (l *Lease) Context(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		cancel(l.lost)
	} else {
		l.cancels = append(l.cancels, cancel)
	}
	return ctx
}

// Err returns nil, or an error that wraps [ErrNotHeld] once the lease is lost. A lease that was given back is not lost.
func (l *Lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Release gives the lease back and ends its contexts. It works even if the context of Hold or Wait has ended. It tries twice,
// for at most a quarter of a second each. If both attempts fail, the error is that of the second, and the lease is held until
// its time to live ends. A second call does nothing.
func (l *Lease) Release() error {
	l.mu.Lock()
	if l.released {
		l.mu.Unlock()
		return nil
	}
	l.released = true
	l.stop(nil)
	l.mu.Unlock()
	err := release(l.values, l.limiter, l.key, l.id)
	if err != nil {
		err = release(l.values, l.limiter, l.key, l.id)
	}
	return err
}

// release gives a lease back, even if ctx has ended.
func release(ctx context.Context, limiter Limiter, key, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeToRelease)
	defer cancel()
	return limiter.Release(ctx, key, id)
}

// stop ends renewals and contexts. The mutex is held.
func (l *Lease) stop(lost error) {
	if l.stopped {
		return
	}
	l.stopped, l.lost = true, lost
	l.renewing.Stop()
	l.ending.Stop()
	for _, cancel := range l.cancels {
		cancel(lost)
	}
	l.cancels = nil
}

// renew renews the lease. After a failure it tries again, until the lease has ended.
func (l *Lease) renew() {
	ttl, sent := l.limiter.TTL(), l.clock.now()
	ctx, cancel := context.WithTimeout(l.values, max(ttl/3, time.Millisecond))
	defer cancel()
	err := l.limiter.Renew(ctx, l.key, l.id)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return
	}
	switch {
	case err == nil:
		l.until, l.failed = sent.Add(ttl), nil
		l.ending.Reset(l.until.Sub(l.clock.now()))
		l.renewing.Reset(ttl/3 - l.clock.now().Sub(sent))
	case errors.Is(err, ErrNotHeld):
		l.stop(err)
	default:
		l.failed = err
		l.renewing.Reset(ttl / 10)
	}
}

// end marks the lease as lost, unless it was renewed.
func (l *Lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch left := l.until.Sub(l.clock.now()); {
	case l.stopped:
	case left > 0:
		l.ending.Reset(left)
	case l.failed != nil:
		l.stop(fmt.Errorf("%w: it could not be renewed in time: %w", ErrNotHeld, l.failed))
	default:
		l.stop(fmt.Errorf("%w: it was not renewed in time", ErrNotHeld))
	}
}

package inflight

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/scripts"
)

// A Remote is a [Limiter] that keeps its leases on a Redis or Valkey server. Each call is one script. It is safe for
// concurrent use, in any number of processes.
type Remote struct {
	caller remote.Caller
	rule
	local *localStore
}

// A localStore is the store of all Locals of one Remote and of those that its With returned. It is made on first use.
type localStore struct {
	once  sync.Once
	store *local.Store[leases]
}

var _ Limiter = (*Remote)(nil)

// New returns a limiter that keeps its leases on run's server. At most most leases of a key, 1 to 2^20, are held at any
// instant. A lease that is neither renewed nor given back ends after ttl, a whole number of microseconds from 1 ms to 1 h.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. New sends nothing.
func New(run scripts.Runner, most int64, ttl time.Duration, opts ...algorithms.Option) (*Remote, error) {
	settings, err := option.Apply(opts)
	if err != nil {
		return nil, err
	}
	r, err := newRule(most, ttl)
	if err != nil {
		return nil, err
	}
	caller, err := remote.New(run, settings, identity)
	if err != nil {
		return nil, err
	}
	return &Remote{caller, r, &localStore{}}, nil
}

// With returns a limiter with the same options and another number of leases, such as that of a plan, or another time to live.
// Both limiters share the leases of a key. Each gives one out only if fewer than its own number are held. The error wraps
// algorithms.ErrInvalidLimit.
func (l *Remote) With(most int64, ttl time.Duration) (*Remote, error) {
	r, err := newRule(most, ttl)
	if err != nil {
		return nil, err
	}
	return &Remote{l.caller, r, l.local}, nil
}

// Most returns how many leases of a key may be held.
func (l *Remote) Most() int64 { return l.most }

// TTL returns how long a lease lasts if it is not renewed.
func (l *Remote) TTL() time.Duration { return l.ttl }

// Local returns the [Local] of the same number, time to live and clock, for use while the server is away. It knows only the
// leases of its own process. All calls return Locals over one store, also those of the limiters that [Remote.With] returns.
func (l *Remote) Local() (Limiter, error) {
	settings := l.caller.Settings()
	l.local.once.Do(func() { l.local.store = local.NewStore[leases](settings.MaxKeys, settings.Simulated()) })
	return &Local{l.local.store, settings.Now, l.rule}, nil
}

// Acquire takes a lease, if one is free: see [Limiter].
func (l *Remote) Acquire(ctx context.Context, key, id string) (algorithms.Result, error) {
	if err := checkID(id); err != nil {
		return algorithms.Result{}, err
	}
	return l.ask(ctx, scripts.InflightAcquire, key, id, l.mostText(), l.ttlText())
}

// Renew makes a lease that is held last for TTL from now: see [Limiter].
func (l *Remote) Renew(ctx context.Context, key, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	reply, err := l.call(ctx, scripts.InflightRenew, key, id, l.ttlText())
	switch {
	case err != nil:
		return err
	case reply[0] == 0:
		return notHeld(id)
	case reply[0] < l.ttl.Microseconds() || reply[0] > longest:
		return fmt.Errorf("%w: script %s replied %d, which is impossible for a lease of %v", scripts.ErrReply, scripts.InflightRenew.Name(), reply[0], l.ttl)
	}
	return nil
}

// Release gives a lease back: see [Limiter].
func (l *Remote) Release(ctx context.Context, key, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	longer, cancel := remote.Outlasting(ctx, timeToRelease)
	defer cancel()
	_, err := l.caller.Call(longer, scripts.InflightRelease, key, []string{id})
	return err
}

// Peek tells whether a lease is free: see [Limiter].
func (l *Remote) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.ask(ctx, scripts.InflightPeek, key, l.mostText())
}

// Reset ends all leases of the key: see [Limiter].
func (l *Remote) Reset(ctx context.Context, key string) error { return l.caller.Reset(ctx, key) }

// call runs a script whose last argument is the time.
func (l *Remote) call(ctx context.Context, script *scripts.Script, key string, args ...string) ([]int64, error) {
	now, err := l.caller.Now()
	if err != nil {
		return nil, err
	}
	if now != "" {
		args = append(args, now)
	}
	return l.caller.Call(ctx, script, key, args)
}

// ask runs a script that replies with the state of the leases.
func (l *Remote) ask(ctx context.Context, script *scripts.Script, key string, args ...string) (algorithms.Result, error) {
	reply, err := l.call(ctx, script, key, args...)
	if err != nil {
		return algorithms.Result{}, err
	}
	s := standing{true, reply[0], reply[1], reply[2]}
	sensible := s.retry == 0 && (s.held < l.most || script == scripts.InflightAcquire)
	least := int64(0)
	if script == scripts.InflightAcquire {
		least = 1 // its own
	}
	if s.held < 0 {
		s.allowed, s.held = false, -1-s.held
		sensible, least = s.retry >= 1 && s.retry <= s.resets, l.most
	}
	if !sensible || s.held < least || s.held > 0 != (s.resets > 0) || s.resets < 0 || s.resets > longest {
		return algorithms.Result{}, fmt.Errorf("%w: script %s replied %v, which is impossible for %d leases of %v", scripts.ErrReply, script.Name(), reply, l.most, l.ttl)
	}
	return l.result(s), nil
}

package denialcache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/slidinglog"
)

var rooms = map[string]algorithmtest.Algorithm{
	"fixedwindow":         algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal),
	"fixedwindow aligned": algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()),
	"slidinglog":          algorithmtest.Of(slidinglog.New, slidinglog.NewLocal),
	"gcra":                algorithmtest.Of(gcra.New, gcra.NewLocal),
	"leakybucket":         algorithmtest.Of(leakybucket.New, leakybucket.NewLocal),
}

// perCost has a separate cache for each cost. A cache's RetryAfter is exact only for the cost that
// was denied, and a lower bound for larger ones. So it is always exact here, as the suite requires.
type perCost struct {
	behind algorithms.Limiter
	opts   []denialcache.Option
	one    *denialcache.Limiter

	mu     sync.Mutex
	larger map[int64]*denialcache.Limiter
}

func cacheOf(behind algorithms.Limiter, opts []denialcache.Option) (algorithms.Limiter, error) {
	one, err := denialcache.New(behind, opts...)
	return &perCost{behind: behind, opts: opts, one: one, larger: map[int64]*denialcache.Limiter{}}, err
}

func (p *perCost) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return p.one.Allow(ctx, key)
}

func (p *perCost) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	if n <= 1 {
		return p.one.AllowN(ctx, key, n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.larger[n] == nil {
		c, err := denialcache.New(p.behind, append(p.opts, denialcache.MaxKeys(100))...)
		if err != nil {
			return algorithms.Result{}, err
		}
		p.larger[n] = c
	}
	return p.larger[n].AllowN(ctx, key, n)
}

func (p *perCost) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return p.one.Peek(ctx, key)
}

func (p *perCost) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return p.one.PeekN(ctx, key, n)
}

func (p *perCost) Reset(ctx context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.larger {
		if err := c.Reset(ctx, key); err != nil {
			return err
		}
	}
	return p.one.Reset(ctx, key)
}

// around returns a factory of caches around the factory's limiters.
func around(factory limitertest.Factory, own ...denialcache.Option) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		l, err := factory(limit, opts...)
		if err != nil {
			return nil, err
		}
		settings, err := option.Apply(opts)
		if err != nil {
			return nil, err
		}
		return cacheOf(l, append([]denialcache.Option{denialcache.WithClock(settings.Clock)}, own...))
	}
}

func changing(change limitertest.Change) limitertest.Option {
	cached := func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
		c := l.(*perCost)
		behind, err := change(c.behind, limit)
		if err != nil {
			return nil, err
		}
		return cacheOf(behind, c.opts)
	}
	return limitertest.Changing(cached, cached)
}

// TestCachedConformance: a cache around a limiter passes the conformance suite, whether it repeats denials for as long as it
// can, for a second, or for a microsecond. (TestCachedTraces tests that it decides as the limiter behind does. Answers from
// the cache are equal to that limiter's in Allowed, but not in every field.)
func TestCachedConformance(t *testing.T) {
	for name, room := range rooms {
		t.Run(name, func(t *testing.T) {
			for name, opts := range map[string][]denialcache.Option{
				"default": nil,
				"longest": {denialcache.MaxAge(1 << 51 * time.Microsecond)},
				"small":   {denialcache.MaxAge(time.Microsecond), denialcache.MaxKeys(3)},
			} {
				t.Run(name, func(t *testing.T) {
					limitertest.Run(t, around(room.Local, opts...), changing(room.ChangeLocal), limitertest.RepeatsDenials())
				})
			}
		})
	}
	t.Run("miniredis", func(t *testing.T) {
		_, conn := resptest.Miniredis(t)
		gcra := rooms["gcra"]
		limitertest.Run(t, around(gcra.Over(conn)), changing(gcra.Change), limitertest.RepeatsDenials(), limitertest.StoredIn(conn))
	})
}

// TestCachedRealClock: without WithClock the clock is the process' own, and results are in whole microseconds.
func TestCachedRealClock(t *testing.T) {
	l, err := slidinglog.NewLocal(algorithms.PerHour(1))
	if err != nil {
		t.Fatal(err)
	}
	behind := &distant{l, func() {}, func() {}, 0}
	c, err := denialcache.New(behind, denialcache.MaxAge(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var last algorithms.Result
	for i := range 100 {
		r, err := c.Allow(context.Background(), "k")
		if err != nil || r.Allowed != (i == 0) {
			t.Fatalf("request %d: %+v, %v", i, r, err)
		}
		least := time.Hour - time.Since(began) - time.Microsecond // the Local's times are cut to whole microseconds
		if i > 0 && (r.RetryAfter > time.Hour || r.RetryAfter < least || r.RetryAfter%time.Microsecond != 0 || r.ResetAfter != r.RetryAfter || i > 1 && r.RetryAfter > last.RetryAfter) {
			t.Fatalf("request %d: %+v after %+v, want at least %v to wait, in whole microseconds", i, r, last, least)
		}
		last = r
	}
	if behind.asked != 2 {
		t.Errorf("asked %d times of 100, want 2", behind.asked)
	}
}

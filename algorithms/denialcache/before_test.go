package denialcache_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
)

// distant is a limiter behind a network: time passes on the way to it. It is used by one goroutine.
type distant struct {
	algorithms.Limiter
	before, after func() // called before each decision, and after it
	asked         int    // how many calls it got, except Resets
}

func (d *distant) travel(decide func()) {
	d.before()
	decide()
	d.after()
}

func (d *distant) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return d.AllowN(ctx, key, 1)
}

func (d *distant) AllowN(ctx context.Context, key string, n int64) (r algorithms.Result, err error) {
	d.asked++
	d.travel(func() { r, err = d.Limiter.AllowN(ctx, key, n) })
	return r, err
}

func (d *distant) Peek(ctx context.Context, key string) (r algorithms.Result, err error) {
	d.asked++
	d.travel(func() { r, err = d.Limiter.Peek(ctx, key) })
	return r, err
}

func (d *distant) PeekN(ctx context.Context, key string, n int64) (r algorithms.Result, err error) {
	d.asked++
	d.travel(func() { r, err = d.Limiter.PeekN(ctx, key, n) })
	return r, err
}

func (d *distant) Reset(ctx context.Context, key string) (err error) {
	d.travel(func() { err = d.Limiter.Reset(ctx, key) })
	return err
}

// told is a limiter that gives the answer that the test has set.
type told struct {
	result algorithms.Result
	err    error
}

func (t *told) Allow(context.Context, string) (algorithms.Result, error) { return t.result, t.err }

func (t *told) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return t.result, t.err
}

func (t *told) Peek(context.Context, string) (algorithms.Result, error) { return t.result, t.err }

func (t *told) PeekN(context.Context, string, int64) (algorithms.Result, error) {
	return t.result, t.err
}

func (t *told) Reset(context.Context, string) error { return t.err }

// A cached is a cache around a distant limiter, on the test's clock.
type cached struct {
	*denialcache.Limiter
	*limitertest.Clock
	t      testing.TB
	behind *distant
}

var begin = time.UnixMicro(1_795_363_671_123_457)

// over returns a cache around the limiter. No time passes on the way to the limiter until the test sets before or after.
func over(t testing.TB, clock *limitertest.Clock, l algorithms.Limiter, opts ...denialcache.Option) *cached {
	t.Helper()
	behind := &distant{l, func() {}, func() {}, 0}
	cache, err := denialcache.New(behind, append([]denialcache.Option{denialcache.WithClock(clock.Now)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return &cached{cache, clock, t, behind}
}

// overGCRA returns a cache around a local GCRA limiter with this limit.
func overGCRA(t testing.TB, limit algorithms.Limit, opts ...denialcache.Option) *cached {
	t.Helper()
	clock := limitertest.NewClock(begin)
	l, err := gcra.NewLocal(limit, algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return over(t, clock, l, opts...)
}

// want asks for n events of k, or peeks if n is 0. The limiter behind must be called if asked is true, and must not be
// called otherwise. want fails the test if that or the answer is wrong.
func (c *cached) want(n int64, result algorithms.Result, asked bool) {
	c.t.Helper()
	before, at := c.behind.asked, c.Now().Sub(begin)
	var r algorithms.Result
	var err error
	switch n {
	case 0:
		r, err = c.Peek(context.Background(), "k")
	case 1:
		r, err = c.Allow(context.Background(), "k")
	default:
		r, err = c.AllowN(context.Background(), "k", n)
	}
	if err != nil || r != result {
		c.t.Errorf("cost %d at %v: %+v, error %v, want %+v", n, at, r, err, result)
	}
	if (c.behind.asked > before) != asked {
		c.t.Errorf("cost %d at %v: the limiter behind was asked %d times, want it asked: %v", n, at, c.behind.asked-before, asked)
	}
}

package denialcache

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
)

// refuser denies everything, for an hour, at no cost.
type refuser struct{}

func (refuser) Allow(context.Context, string) (algorithms.Result, error) {
	return algorithms.Result{Limit: 10, RetryAfter: time.Hour, ResetAfter: 2 * time.Hour}, nil
}

func (r refuser) AllowN(ctx context.Context, key string, _ int64) (algorithms.Result, error) {
	return r.Allow(ctx, key)
}

func (r refuser) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return r.Allow(ctx, key)
}

func (r refuser) PeekN(ctx context.Context, key string, _ int64) (algorithms.Result, error) {
	return r.Allow(ctx, key)
}

func (refuser) Reset(context.Context, string) error { return nil }

// A denial is an entry of the caches.
type denial struct {
	cost, limit, remaining     int64
	from, until, retry, resets int64
}

// otters remembers refusals of requests of cost 1 in an otter cache. It is as simple as possible: it has no Resets, no
// larger costs, and no order among denials.
type otters struct {
	refuser
	cache *otter.Cache[string, denial]
	began time.Time
}

func newOtters(most int, expiring bool) *otters {
	o := &otters{began: time.Now()}
	options := &otter.Options[string, denial]{MaximumSize: most}
	if expiring {
		options.ExpiryCalculator = otter.ExpiryWritingFunc(func(e otter.Entry[string, denial]) time.Duration {
			return time.Duration(e.Value.until - e.Value.from)
		})
	}
	o.cache = otter.Must(options)
	return o
}

func (o *otters) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	d, held := o.cache.GetIfPresent(key)
	now := int64(time.Since(o.began))
	if held && now < d.until && d.cost <= 1 && ctx.Err() == nil {
		return algorithms.Result{
			Limit: d.limit, Remaining: d.remaining,
			RetryAfter: time.Duration(d.retry - now).Truncate(time.Microsecond), ResetAfter: time.Duration(d.resets - now).Truncate(time.Microsecond),
		}, nil
	}
	r, err := o.refuser.Allow(ctx, key)
	ended := int64(time.Since(o.began))
	o.cache.Set(key, denial{1, r.Limit, r.Remaining, now, now + int64(r.RetryAfter), ended + int64(r.RetryAfter), ended + int64(r.ResetAfter)})
	return r, err
}

// stores are the ways to remember the refusals of at most that many keys.
var stores = []struct {
	name string
	of   func(b *testing.B, most int) algorithms.Limiter
}{
	{"CacheDenials", func(b *testing.B, most int) algorithms.Limiter {
		c, err := denialcache.New(refuser{}, denialcache.MaxAge(time.Hour), denialcache.MaxKeys(most))
		if err != nil {
			b.Fatal(err)
		}
		return c
	}},
	{"otter", func(_ *testing.B, most int) algorithms.Limiter { return newOtters(most, false) }},
	{"otter-expiring", func(_ *testing.B, most int) algorithms.Limiter { return newOtters(most, true) }},
}

func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%012d", i)
	}
	return keys
}

// BenchmarkHit measures answers from a cache that has room for 65,536 keys and holds 1, 1,024 or 16,384, in one goroutine
// and on all processors.
func BenchmarkHit(b *testing.B) {
	ctx := context.Background()
	for _, n := range []int{1, 1 << 10, 1 << 14} {
		keys := numbered(n)
		for _, store := range stores {
			l := store.of(b, 1<<16)
			for range 3 {
				for _, key := range keys {
					_, _ = l.Allow(ctx, key)
				}
			}
			b.Run(fmt.Sprintf("keys=%d/%s", n, store.name), func(b *testing.B) {
				b.ReportAllocs()
				for i := range b.N {
					_, _ = l.Allow(ctx, keys[i&(n-1)])
				}
			})
			b.Run(fmt.Sprintf("keys=%d/parallel/%s", n, store.name), func(b *testing.B) {
				var worker atomic.Int64
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for i := int(worker.Add(1)) * 7919; pb.Next(); i++ {
						_, _ = l.Allow(ctx, keys[i&(n-1)])
					}
				})
			})
		}
	}
}

// BenchmarkFlood measures calls that each have a new key, in a cache with room for 65,536 keys and in one with room for all.
func BenchmarkFlood(b *testing.B) {
	for _, room := range []string{"65536", "all"} {
		for _, store := range stores {
			b.Run(fmt.Sprintf("room=%s/%s", room, store.name), func(b *testing.B) {
				most := 1 << 16
				if room == "all" {
					most = max(b.N, most)
				}
				before, peak := heap(), int64(0)
				l := store.of(b, most)
				ctx, key := context.Background(), make([]byte, 0, 20)
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					key = fmt.Appendf(key[:0], "user:%012d", i)
					_, _ = l.Allow(ctx, string(key))
					if i&(1<<20-1) == 0 {
						b.StopTimer()
						peak = max(peak, heap()-before)
						b.StartTimer()
					}
				}
				b.StopTimer()
				held := heap() - before
				b.ReportMetric(float64(max(peak, held))/(1<<20), "MiB-peak")
				b.ReportMetric(float64(held)/float64(min(most, b.N)), "B/key")
				runtime.KeepAlive(l)
			})
		}
	}
}

// heap returns how many bytes of the heap are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

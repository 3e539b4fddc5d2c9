package denialcache_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
)

// refuser denies everything, for an hour.
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

// refused returns a cache that remembers denials for an hour, for a limited number of keys.
func refused(b *testing.B, most int, keys []string) *denialcache.Limiter {
	b.Helper()
	cache, err := denialcache.New(refuser{}, denialcache.MaxAge(time.Hour), denialcache.MaxKeys(most))
	if err != nil {
		b.Fatal(err)
	}
	for _, key := range keys {
		mustRefuse(b, cache, key)
	}
	return cache
}

func mustRefuse(b *testing.B, cache *denialcache.Limiter, key string) {
	if r, err := cache.Allow(context.Background(), key); err != nil || r.Allowed {
		b.Fatal(r, err)
	}
}

func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%012d", i)
	}
	return keys
}

// BenchmarkDenialCache measures an answer from the cache, for one key and for half of the keys that it can
// hold, by one goroutine and by all processors.
func BenchmarkDenialCache(b *testing.B) {
	for _, n := range []int{1, 1 << 15} {
		keys := numbered(n)
		b.Run(fmt.Sprintf("hit/keys=%d", n), func(b *testing.B) {
			cache := refused(b, 1<<16, keys)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				mustRefuse(b, cache, keys[i&(n-1)])
			}
		})
		b.Run(fmt.Sprintf("parallel/keys=%d", n), func(b *testing.B) {
			cache := refused(b, 1<<16, keys)
			var worker atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := int(worker.Add(1)) * 7919; pb.Next(); i++ {
					mustRefuse(b, cache, keys[i&(n-1)])
				}
			})
		})
	}
}

// BenchmarkDenialCacheFlood measures a denial that isn't remembered: the cache doesn't find the new key, asks the limiter
// and stores the denial. Once the cache is full, the new denial takes the place of another one.
func BenchmarkDenialCacheFlood(b *testing.B) {
	cache := refused(b, 1<<16, nil)
	before := heap()
	b.ReportAllocs()
	b.ResetTimer()
	key := make([]byte, 0, 20)
	for i := range b.N {
		key = fmt.Appendf(key[:0], "user:%012d", i)
		mustRefuse(b, cache, string(key))
	}
	b.StopTimer()
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-held")
	runtime.KeepAlive(cache)
}

// heap returns how many bytes of the heap are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

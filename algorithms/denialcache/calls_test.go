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

// tally counts the answers of the limiter behind.
type tally struct {
	algorithms.Limiter
	admitted, denied int
}

func (t *tally) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	result, err := t.Limiter.Allow(ctx, key)
	if result.Allowed {
		t.admitted++
	} else {
		t.denied++
	}
	return result, err
}

// TestCallsOfDeniedCaller: a caller asks each millisecond. The limiter behind then gets one call for each request that the
// limit admits, and one denied call for each wait or for each second, whichever is shorter. docs/choosing.md says so.
func TestCallsOfDeniedCaller(t *testing.T) {
	for _, c := range []struct {
		limit            algorithms.Limit
		admitted, denied int // in a minute
	}{
		{algorithms.PerMinute(5), 10, 60},
		{algorithms.PerSecond(1), 60, 60},
		{algorithms.PerSecond(100), 6100, 6000},
	} {
		clock := limitertest.NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		local, err := gcra.NewLocal(c.limit, algorithms.WithClock(clock.Now))
		if err != nil {
			t.Fatal(err)
		}
		behind := &tally{Limiter: local}
		cache, err := denialcache.New(behind, denialcache.WithClock(clock.Now))
		if err != nil {
			t.Fatal(err)
		}
		for range time.Minute / time.Millisecond {
			if _, err := cache.Allow(context.Background(), "alice"); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Millisecond)
		}
		if behind.admitted > c.admitted || behind.denied > c.denied {
			t.Errorf("%v: %d admitted and %d denied behind the cache, want at most %d and %d", c.limit, behind.admitted, behind.denied, c.admitted, c.denied)
		}
	}
}

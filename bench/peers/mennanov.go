package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mennanov/limiters"

	"github.com/go-weir/weir/bench/shared/round"
)

const mennanovModule = "github.com/mennanov/limiters"

// mennanovTokenBucket reads the bucket with MGET, decides in the client by the client's clock, and if it
// admits writes the bucket with EVAL, which sends its script each time. In a process a lock for each key is
// held meanwhile; against other processes there is its version check here, not its lock in Redis: who comes
// between makes the call an error. A bucket is three keys, {KEY}last, {KEY}available and {KEY}version.
var mennanovTokenBucket = Peer{
	Limiter: round.Limiter{
		Name: "mennanov-tokenbucket", About: "a token bucket, decided in the client; a race with another process is an error",
		Client: "go-redis", Module: mennanovModule, Definition: round.GCRA,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		each := s.Limit.Period / time.Duration(s.Limit.Rate)
		if each <= 0 {
			return nil, fmt.Errorf("a token bucket's tokens come a nanosecond apart at least, not as in %v", s.Limit)
		}
		capacity := s.Limit.BurstOrRate()
		life := each*time.Duration(capacity) + time.Second // after which the bucket would be full again
		return mennanovLimiters(func(key string) mennanovLimiter {
			backend := limiters.NewTokenBucketRedis(clients.GoRedis, key, life, true)
			return limiters.NewTokenBucket(capacity, each, limiters.NewLockNoop(), backend, limiters.NewSystemClock(), limiters.NewStdLogger())
		}), nil
	},
}

// mennanovFixedWindow is INCR and PEXPIRE in a pipeline, of a key for each window, {KEY}NANOSECONDS, by
// the client's clock. A process remembers in which window a key was denied, and denies the rest by itself,
// without a command. In a process one request of a key is under way at a time.
var mennanovFixedWindow = Peer{
	Limiter: round.Limiter{
		Name: "mennanov-fixedwindow", About: "a counter for each window of the client's clock; denies again without asking the server",
		Client: "go-redis", Module: mennanovModule, Definition: round.AlignedWindow,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		return mennanovLimiters(func(key string) mennanovLimiter {
			backend := limiters.NewFixedWindowRedis(clients.GoRedis, key)
			return limiters.NewFixedWindow(s.Limit.Rate, s.Limit.Period, backend, limiters.NewSystemClock())
		}), nil
	},
}

// mennanovSlidingWindow is INCR, PEXPIRE and GET of the window before in a pipeline, by the client's
// clock; keys as the fixed window's. Denied requests are counted too, so that who keeps asking beyond the
// rate is denied on and on. The window before, times nanoseconds, overflows 64 bits: above 2.5 million an hour.
var mennanovSlidingWindow = Peer{
	Limiter: round.Limiter{
		Name: "mennanov-slidingwindow", About: "two counters, weighed by the client's clock; counts denied requests too",
		Client: "go-redis", Module: mennanovModule, Definition: round.SlidingCounter,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		const epsilon = 1e-9 // by which the weighed count may lie above the rate
		return mennanovLimiters(func(key string) mennanovLimiter {
			backend := limiters.NewSlidingWindowRedis(clients.GoRedis, key)
			return limiters.NewSlidingWindow(s.Limit.Rate, s.Limit.Period, backend, limiters.NewSystemClock(), epsilon)
		}), nil
	},
}

// mennanovLimiter is any limiter of the library, which are of one key each.
type mennanovLimiter interface {
	Limit(ctx context.Context) (time.Duration, error)
}

// mennanovLimiters makes a limiter for each key that it is asked for, and keeps it: as many as there are
// keys in a measurement.
func mennanovLimiters(open func(key string) mennanovLimiter) Allow {
	var byKey sync.Map
	return func(ctx context.Context, key string) (bool, error) {
		l, ok := byKey.Load(key)
		if !ok {
			l, _ = byKey.LoadOrStore(key, open(key))
		}
		_, err := l.(mennanovLimiter).Limit(ctx)
		if errors.Is(err, limiters.ErrLimitExhausted) {
			return false, nil
		}
		return err == nil, err
	}
}

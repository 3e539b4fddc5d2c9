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

// mennanovTokenBucket reads the bucket with MGET and decides in the client by the client's clock. If it admits, it writes the
// bucket with EVAL, which sends the script each time. It holds a lock for the key in this process meanwhile. Against other
// processes, this peer uses the library's version check and not its lock in Redis, so a call fails if another process changes
// the bucket in between. A bucket is three keys, {KEY}last, {KEY}available and {KEY}version.
var mennanovTokenBucket = Peer{
	Limiter: round.Limiter{
		Name: "mennanov-tokenbucket", About: "a token bucket, decided in the client; a race with another process is an error",
		Client: "go-redis", Module: mennanovModule, Definition: round.GCRA,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		each := s.Limit.Period / time.Duration(s.Limit.Rate)
		if each <= 0 {
			return nil, fmt.Errorf("the limit %v needs more than one token each nanosecond, want a lower rate", s.Limit)
		}
		capacity := s.Limit.BurstOrRate()
		life := each*time.Duration(capacity) + time.Second // after this time, the bucket is full again
		return mennanovLimiters(func(key string) mennanovLimiter {
			backend := limiters.NewTokenBucketRedis(clients.GoRedis, key, life, true)
			return limiters.NewTokenBucket(capacity, each, limiters.NewLockNoop(), backend, limiters.NewSystemClock(), limiters.NewStdLogger())
		}), nil
	},
}

// mennanovFixedWindow sends INCR and PEXPIRE in a pipeline. Each window has its own key, {KEY}NANOSECONDS, by the client's
// clock. If a key was denied, the process denies later requests of the same window without a command. A process has only one
// request for a key in progress at a time.
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

// mennanovSlidingWindow sends INCR, PEXPIRE and a GET of the previous window in a pipeline. The windows and keys are as those
// of the fixed window. It also counts denied requests, so a caller that keeps exceeding the rate is always denied. The count
// of the previous window times nanoseconds overflows 64 bits at rates above 2.5 million an hour.
var mennanovSlidingWindow = Peer{
	Limiter: round.Limiter{
		Name: "mennanov-slidingwindow", About: "two counters, weighed by the client's clock; counts denied requests too",
		Client: "go-redis", Module: mennanovModule, Definition: round.SlidingCounter,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		const epsilon = 1e-9 // how much the weighted count may exceed the rate
		return mennanovLimiters(func(key string) mennanovLimiter {
			backend := limiters.NewSlidingWindowRedis(clients.GoRedis, key)
			return limiters.NewSlidingWindow(s.Limit.Rate, s.Limit.Period, backend, limiters.NewSystemClock(), epsilon)
		}), nil
	},
}

// mennanovLimiter is a limiter of the library. Each limiter has one key.
type mennanovLimiter interface {
	Limit(ctx context.Context) (time.Duration, error)
}

// mennanovLimiters returns an Allow that opens a limiter for each key and keeps it.
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

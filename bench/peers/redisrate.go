package main

import (
	"context"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/shared/round"
)

// redisRate is GCRA in one script, which calls TIME and GET, and if it admits, SET with a TTL rounded up to seconds. Times are
// floating point seconds since 2017, by the server's clock. Its keys are "rate:KEY".
var redisRate = Peer{
	Limiter: round.Limiter{
		Name: "redis_rate", About: "GCRA in a script, on floating point seconds", Client: "go-redis",
		Module: "github.com/go-redis/redis_rate/v10", Definition: round.GCRA, Floor: "floor-return",
	},
	Open: func(clients *Clients, s Setting) (Allow, error) { return openRedisRate(clients.GoRedis, s) },
}

// redisRateAutoPipeline is redis_rate over go-redis' AutoPipeline.
var redisRateAutoPipeline = Peer{
	Limiter: round.Limiter{
		Name: "redis_rate-autopipeline", About: redisRate.About + ", gathered by go-redis' AutoPipeline", Client: "go-redis",
		Module: redisRate.Module, Definition: round.GCRA,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) { return openRedisRate(clients.AutoPipeline, s) },
	Fits: hasAutoPipeline,
}

func openRedisRate(client redis.UniversalClient, s Setting) (Allow, error) {
	limiter := redis_rate.NewLimiter(client)
	limit := redis_rate.Limit{Rate: int(s.Limit.Rate), Burst: int(s.Limit.BurstOrRate()), Period: s.Limit.Period}
	return func(ctx context.Context, key string) (bool, error) {
		result, err := limiter.Allow(ctx, key, limit)
		return err == nil && result.Allowed > 0, err
	}, nil
}

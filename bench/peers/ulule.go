package main

import (
	"context"

	"github.com/ulule/limiter/v3"
	"github.com/ulule/limiter/v3/drivers/store/redis"

	"github.com/go-weir/weir/bench/shared/round"
)

// ulule is a counter in one script, which calls INCRBY, and PEXPIRE for a key's first request or PTTL for the others. It also
// counts denied requests, which doesn't move the window's end. The window ends when the key expires. Its keys are
// "limiter:KEY".
var ulule = Peer{
	Limiter: round.Limiter{
		Name: "ulule", About: "a counter with a TTL, in a script; counts denied requests too", Client: "go-redis",
		Module: "github.com/ulule/limiter/v3", Definition: round.FixedWindow,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		store, err := redis.NewStore(clients.GoRedis)
		if err != nil {
			return nil, err
		}
		l := limiter.New(store, limiter.Rate{Limit: s.Limit.Rate, Period: s.Limit.Period})
		return func(ctx context.Context, key string) (bool, error) {
			result, err := l.Get(ctx, key)
			return err == nil && !result.Reached, err
		}, nil
	},
}

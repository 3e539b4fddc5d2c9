package main

import (
	"context"

	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislimiter"

	"github.com/go-weir/weir/bench/shared/round"
)

// rueidisLimiter keeps a counter and the window's end in two keys. One script calls GET and INCRBY, and two SETs for a new
// window. The client's clock decides when a window ends. It also counts denied requests. Its keys are "rueidislimiter:{KEY}",
// and the same with ":ex" and a TTL that is a second longer. It never closes its client.
var rueidisLimiter = Peer{
	Limiter: round.Limiter{
		Name: "rueidislimiter", About: "a counter, and the window's end by the client's clock, in a script; counts denied requests too",
		Client: "rueidis", Module: "github.com/redis/rueidis/rueidislimiter", Definition: round.FixedWindow,
	},
	Fits: hasSetPXAt,
	Open: func(clients *Clients, s Setting) (Allow, error) {
		limiter, err := rueidislimiter.NewRateLimiter(rueidislimiter.RateLimiterOption{
			ClientBuilder: func(rueidis.ClientOption) (rueidis.Client, error) { return clients.Rueidis, nil },
			Limit:         int(s.Limit.Rate),
			Window:        s.Limit.Period,
		})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, key string) (bool, error) {
			result, err := limiter.Allow(ctx, key)
			return result.Allowed && err == nil, err
		}, nil
	},
}

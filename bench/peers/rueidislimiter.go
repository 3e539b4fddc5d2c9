package main

import (
	"context"

	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidislimiter"

	"github.com/go-weir/weir/bench/shared/round"
)

// rueidisLimiter is a counter and the window's end, two keys, in one script: GET and INCRBY, and two SETs
// for a new window. Where a window ends is said by the client's clock. Denied requests are counted too. Its
// keys are "rueidislimiter:{KEY}" and that with ":ex", with a TTL of a second more. It never closes its client.
var rueidisLimiter = Peer{
	Limiter: round.Limiter{
		Name: "rueidislimiter", About: "a counter, and the window's end by the client's clock, in a script; counts denied requests too",
		Client: "rueidis", Module: "github.com/redis/rueidis/rueidislimiter", Definition: round.FixedWindow,
	},
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

package main

import (
	"context"

	"github.com/throttled/throttled/v2"
	goredisstore "github.com/throttled/throttled/v2/store/goredisstore.v9"

	"github.com/go-weir/weir/bench/shared/round"
)

// throttledPeer is GCRA by compare-and-swap: it reads TIME and GET in a pipeline, decides by that time in
// the client, and if it admits swaps the value with an EVAL, or sets it with SETNX and then EXPIRE. Who
// loses the swap begins anew, ten times, then it is an error. A cluster's TIME is any node's. TTLs are cut
// to whole seconds, and a loser's EXPIRE sets the winner's, so that a key may go before its time has come.
var throttledPeer = Peer{
	Limiter: round.Limiter{
		Name: "throttled", About: "GCRA, decided in the client and stored by compare-and-swap", Client: "go-redis",
		Module: "github.com/throttled/throttled/v2", Definition: round.GCRA,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		store, err := goredisstore.NewCtx(clients.GoRedis, "throttled:")
		if err != nil {
			return nil, err
		}
		limiter, err := throttled.NewGCRARateLimiterCtx(store, throttled.RateQuota{
			MaxRate:  throttled.PerDuration(int(s.Limit.Rate), s.Limit.Period),
			MaxBurst: int(s.Limit.BurstOrRate()) - 1, // besides the one that is always admitted
		})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, key string) (bool, error) {
			limited, _, err := limiter.RateLimitCtx(ctx, key, 1)
			return !limited && err == nil, err
		}, nil
	},
}

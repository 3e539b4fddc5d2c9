package main

import (
	"context"

	"github.com/throttled/throttled/v2"
	goredisstore "github.com/throttled/throttled/v2/store/goredisstore.v9"

	"github.com/go-weir/weir/bench/shared/round"
)

// throttledPeer is GCRA by compare-and-swap. It reads TIME and GET in a pipeline and decides in the client by the server's
// time. If it admits, it swaps the value with an EVAL, or sets a new one with SETNX and then EXPIRE. A call that loses the
// swap tries again up to ten times, and then fails. On a cluster, TIME may be that of any node. TTLs are rounded down to
// seconds, and the EXPIRE of a losing call changes the winner's TTL, so a key may expire too early.
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

package main

import (
	"context"

	"github.com/go-weir/weir/bench/shared/round"
)

// ownModule is whose code the floors and the bare commands are.
const ownModule = "github.com/go-weir/weir/bench/peers"

// bareFixedWindow is the least that a fixed window takes on any server, without a script: INCR, and
// PEXPIRE with NX, so that only the first of a window sets its end, in one pipeline for each request. It
// counts denied requests too. The two commands are not atomic: who is cut off between them leaves a key
// that stays. It decides, and rightly, but is there to show the cost.
var bareFixedWindow = Peer{
	Limiter: round.Limiter{
		Name: "bare-incr", About: "INCR and PEXPIRE NX in a pipeline, the bare commands of a fixed window", Client: "go-redis",
		Module: ownModule,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		period := s.Limit.Period.Milliseconds()
		return func(ctx context.Context, key string) (bool, error) {
			pipe := clients.GoRedis.Pipeline()
			count := pipe.Incr(ctx, key)
			pipe.Do(ctx, "pexpire", key, period, "nx")
			if _, err := pipe.Exec(ctx); err != nil {
				return false, err
			}
			return count.Val() <= s.Limit.Rate, nil
		}, nil
	},
	Fits: hasPExpireNX,
}

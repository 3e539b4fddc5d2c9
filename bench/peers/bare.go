package main

import (
	"context"

	"github.com/go-weir/weir/bench/shared/round"
)

// ownModule is the module of the floors and the bare commands.
const ownModule = "github.com/go-weir/weir/bench/peers"

// bareFixedWindow is the cheapest fixed window without a script. Each request is one pipeline of INCR, and PEXPIRE with NX so
// that only the first request of a window sets its end. It also counts denied requests. The two commands are not atomic: if
// the connection breaks between them, the key never expires. It decides correctly, but its purpose is to show the cost.
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

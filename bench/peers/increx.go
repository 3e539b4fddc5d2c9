package main

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/shared/round"
)

// increx is a fixed window as one command, where the server has it: INCREX key UBOUND rate PX period ENX.
// Its replies are the value and by how much that was raised; above the bound it raises by 0 and leaves the
// key as it is. ENX sets a TTL only where there is none, so that the window begins with its first request.
//
// This follows the documentation, redis.io/commands/increx for Redis from 8.8 on and
// valkey.io/commands/increx for Valkey from 9.2 on, which say the same of these options. It has not run on
// either. INCREX without UBOUND, as there was before those versions were released, refuses the command.
var increx = Peer{
	Limiter: round.Limiter{
		Name: "increx", About: "a fixed window as one command of Redis 8.8 and Valkey 9.2", Client: "go-redis",
		Module: ownModule, Definition: round.FixedWindow,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		args := redis.IncrEXIntArgs{
			HasUBound: true, UBound: s.Limit.Rate,
			Expiration: &redis.ExpirationOption{Mode: redis.PX, Value: s.Limit.Period.Milliseconds()},
			ENX:        true,
		}
		return func(ctx context.Context, key string) (bool, error) {
			reply, err := clients.GoRedis.IncrEXInt(ctx, key, args).Result()
			return reply.AppliedIncrement == 1 && err == nil, err
		}, nil
	},
	Fits: hasCommand("INCREX"),
}

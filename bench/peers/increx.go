package main

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/shared/round"
)

// increx is a fixed window in one command, on servers that have it: INCREX key UBOUND rate PX period ENX. The reply holds the
// value and the increment. At the bound, the increment is 0 and the key stays as it is. ENX sets a TTL only if the key has
// none, so the window begins with its first request.
//
// This follows the documentation: redis.io/commands/increx (Redis 8.8 and later) and valkey.io/commands/increx (Valkey 9.2 and
// later). Both describe these options in the same way. It has not run on either. An INCREX without UBOUND, as in versions
// before these releases, returns an error for the command.
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

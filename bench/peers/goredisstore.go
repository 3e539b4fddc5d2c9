package main

import (
	"context"
	"errors"
	"net"

	"github.com/gomodule/redigo/redis"
	"github.com/sethvargo/go-redisstore"

	"github.com/go-weir/weir/bench/shared/round"
)

// goRedisStore is documented as a token bucket. But it refills the whole bucket at each interval since the key's first
// request, which is a fixed window. It runs one script on a hash: HGETALL, and if it admits, HSET and EXPIRE (four of each for
// a new key). It uses the client's clock. TTLs are three intervals, rounded down to seconds. With an interval of less than a
// second, a key expires at once, and all requests are admitted. The names of its keys have no prefix.
//
// It has its own client, redigo. The pool that its New makes keeps no idle connections, so each decision would dial. The
// pool here keeps as many idle connections as that pool may open.
var goRedisStore = Peer{
	Limiter: round.Limiter{
		Name: "go-redisstore", About: "tokens in a hash, refilled whole each interval of the client's clock, in a script",
		Client: "redigo", Module: "github.com/sethvargo/go-redisstore", Definition: round.FixedWindow,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		const connections = 100
		store, err := redisstore.NewWithPool(
			&redisstore.Config{Tokens: uint64(s.Limit.Rate), Interval: s.Limit.Period},
			&redis.Pool{
				MaxActive: connections, MaxIdle: connections, Wait: true,
				DialContext: func(ctx context.Context) (redis.Conn, error) { return dialRedigo(ctx, clients) },
			})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, key string) (bool, error) {
			_, _, _, ok, err := store.Take(ctx, key)
			return ok && err == nil, err
		}, nil
	},
	Fits: func(_ context.Context, clients *Clients) error {
		if !clients.RueidisOption.ForceSingleClient {
			return errors.New("not on a cluster or with sentinels: its client, redigo, supports a single server only")
		}
		return nil
	},
}

// dialRedigo connects to the single server in the options of rueidis.
func dialRedigo(ctx context.Context, clients *Clients) (redis.Conn, error) {
	o := clients.RueidisOption
	options := []redis.DialOption{
		redis.DialUsername(o.Username), redis.DialPassword(o.Password), redis.DialDatabase(o.SelectDB),
	}
	if o.DialCtxFn != nil {
		options = append(options, redis.DialContextFunc(func(ctx context.Context, _, addr string) (net.Conn, error) {
			return o.DialCtxFn(ctx, addr, &o.Dialer, o.TLSConfig)
		}))
	} else if o.TLSConfig != nil {
		options = append(options, redis.DialUseTLS(true), redis.DialTLSConfig(o.TLSConfig))
	}
	return redis.DialContext(ctx, "tcp", o.InitAddress[0], options...)
}

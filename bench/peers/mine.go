package main

import (
	"context"
	"time"

	"github.com/go-weir/weir/bench/shared/round"
)

// mine is the limiter that you use today. As it stands it is the counter that many services have: INCR, and EXPIRE by the
// one who was first. Put yours in its place, and measure it beside Weir's:
//
//	go run ./bench measure -redis redis://127.0.0.1:6379 -beside mine
//
// If yours needs a module that bench/peers/go.mod doesn't have, add it there and run "go run ./bench/release tidy".
var mine = Peer{
	Limiter: round.Limiter{
		Name: "mine", About: "INCR, and EXPIRE by the first: write yours into bench/peers/mine.go", Client: "go-redis",
		Module: ownModule, // your module's path, whose version is then told
		// What it promises: FixedWindow, AlignedWindow, SlidingLog, SlidingCounter or GCRA.
		Definition: round.FixedWindow,
	},
	// Open is called once for each limit, before anything is measured. Here you make the limiter, with clients.GoRedis or
	// clients.Rueidis. All of its keys on the server have to hold the key that it is asked for, or s.Prefix.
	Open: func(clients *Clients, s Setting) (Allow, error) {
		client := clients.GoRedis
		rate, period := s.Limit.Rate, max(s.Limit.Period, time.Second)
		// This function decides on one request. Many goroutines call it. An error says that nothing was decided.
		return func(ctx context.Context, key string) (bool, error) {
			count, err := client.Incr(ctx, key).Result()
			if err == nil && count == 1 {
				err = client.Expire(ctx, key, period).Err()
			}
			return err == nil && count <= rate, err
		}, nil
	},
}

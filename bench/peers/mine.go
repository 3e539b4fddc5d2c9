package main

import (
	"context"
	"time"

	"github.com/go-weir/weir/bench/shared/round"
)

// mine stands for the limiter that you use today. Initially it is a counter that many services use: INCR, and EXPIRE after a
// key's first request. Replace it with your limiter, and compare that with Weir's:
//
//	go run ./bench measure -redis redis://127.0.0.1:6379 -beside mine
//
// If yours needs a module that bench/peers/go.mod doesn't have, add it there and run "go run ./bench/release tidy".
var mine = Peer{
	Limiter: round.Limiter{
		Name: "mine", About: "INCR, and EXPIRE by the first: write yours into bench/peers/mine.go", Client: "go-redis",
		Module: ownModule, // your module's path; the results then contain its version
		// The algorithm: FixedWindow, AlignedWindow, SlidingLog, SlidingCounter or GCRA.
		Definition: round.FixedWindow,
	},
	// Open is called once for each limit, before the measurement. It makes the limiter, with clients.GoRedis or
	// clients.Rueidis. The names of all its keys on the server must contain the key of the request, or s.Prefix.
	Open: func(clients *Clients, s Setting) (Allow, error) {
		client := clients.GoRedis
		rate, period := s.Limit.Rate, max(s.Limit.Period, time.Second)
		// This function decides on one request. Many goroutines call it at the same time. It returns an error if it can't decide.
		return func(ctx context.Context, key string) (bool, error) {
			count, err := client.Incr(ctx, key).Result()
			if err == nil && count == 1 {
				err = client.Expire(ctx, key, period).Err()
			}
			return err == nil && count <= rate, err
		}, nil
	},
}

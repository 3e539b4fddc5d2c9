package main

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/scripts/coalesce"
)

// A Peer is a limiter that is measured: Weir's own, another library's, or a floor. [mine] is one to fill in. To add more, write a
// file like those beside this one, and put what it declares into [peers].
type Peer struct {
	round.Limiter

	// Open returns the limiter, with its state on the server that the clients reach. It is opened once
	// in each process for each Setting.
	Open func(clients *Clients, s Setting) (Allow, error)

	// Fits says why the limiter can't be measured on that server, or nil; nil for any server.
	Fits func(ctx context.Context, clients *Clients) error
}

// Allow asks whether one request of key is admitted. An error means that the limiter has not decided.
// It is called from many goroutines.
type Allow func(ctx context.Context, key string) (bool, error)

// A Setting is what a limiter is opened with.
type Setting struct {
	Limit algorithms.Limit // Burst is Rate where the limiter has one
	Full  bool             // the keys are full: all but a key's first request are denied. Only floors ask for it

	// Prefix begins the keys that Allow is called with, and is to begin, or at least to be part of, every
	// key on the server. A limiter that builds its keys from a prefix and Allow's key gets by with none.
	Prefix string
}

// Clients are the connections to the server that all limiters of a process share, so that each is
// measured over the same.
type Clients struct {
	GoRedis       redis.UniversalClient
	AutoPipeline  redis.UniversalClient // go-redis again, which gathers commands of many goroutines; nil if the server's shape has none
	Rueidis       rueidis.Client
	RueidisOption rueidis.ClientOption

	behind     redis.UniversalClient // what AutoPipeline sends through
	coalescers map[string]*coalesce.Runner
}

// peers are all that can be measured, in the order in which they are shown.
var peers = slices.Concat(
	weir,
	[]Peer{redisRate, redisRateAutoPipeline, throttledPeer, ulule, mennanovTokenBucket, mennanovFixedWindow, mennanovSlidingWindow, goRedisStore, httprateRedis, rueidisLimiter},
	[]Peer{mine, bareFixedWindow, increx},
	floors,
)

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

// A Peer is a limiter that can be measured: one of Weir's, one of another library, or a floor. [mine] is there to be replaced
// with your own. To add another, write a file like the others in this package, and add its Peer to [peers].
type Peer struct {
	round.Limiter

	// Open returns the limiter, with its state on the server that the clients reach. It is called once
	// in each process for each Setting.
	Open func(clients *Clients, s Setting) (Allow, error)

	// Fits returns an error that says why the limiter can't be measured on the server, or nil. A nil Fits accepts any server.
	Fits func(ctx context.Context, clients *Clients) error
}

// Allow reports whether one request for key is admitted. It returns an error if the limiter has not decided. It must be safe
// for concurrent use.
type Allow func(ctx context.Context, key string) (bool, error)

// A Setting holds the arguments with which a limiter is opened.
type Setting struct {
	Limit algorithms.Limit // if the limiter has a burst, it is Rate
	Full  bool             // whether keys are full: all but a key's first request are denied; only floors and queues use it

	// Prefix is the beginning of all keys that Allow is called with. The name of every key on the server must contain it. A
	// limiter whose keys contain Allow's key need not use it.
	Prefix string
}

// Clients are the connections to the server. All limiters of a process share them, so that they are measured under the same
// conditions.
type Clients struct {
	GoRedis       redis.UniversalClient
	AutoPipeline  redis.UniversalClient // go-redis, which sends commands of many goroutines together; nil if the client has no such mode
	Rueidis       rueidis.Client
	RueidisOption rueidis.ClientOption

	behind     redis.UniversalClient // the client that AutoPipeline uses
	coalescers map[string]*coalesce.Runner
}

// peers are all limiters that can be measured, in the order in which they are shown.
var peers = slices.Concat(
	weir,
	[]Peer{redisRate, redisRateAutoPipeline, throttledPeer, ulule, mennanovTokenBucket, mennanovFixedWindow, mennanovSlidingWindow, goRedisStore, httprateRedis, rueidisLimiter},
	[]Peer{mine, bareFixedWindow, increx},
	floors,
)

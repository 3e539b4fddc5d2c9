package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/measure"
	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/bench/shared/target"
)

// peerCases are the cases of other libraries' limiters, which the worker of "bench measure" runs.
var peerCases = []struct {
	name, limiter string
	limit         algorithms.Limit
	denied        bool
}{
	{"redis_rate/idle", "redis_rate", idle, false},
	{"redis_rate/busy", "redis_rate", ample, false},
	{"redis_rate/denied", "redis_rate", ample, true},
	{"throttled/idle", "throttled", idle, false},
	{"throttled/busy", "throttled", ample, false},
	{"throttled/denied", "throttled", ample, true},
	{"ulule/open", "ulule", roomy, false},
	{"ulule/denied", "ulule", roomy, true},
	{"rueidislimiter/open", "rueidislimiter", roomy, false},
	{"rueidislimiter/denied", "rueidislimiter", roomy, true},
	{"go-redisstore/open", "go-redisstore", roomy, false},
	{"go-redisstore/denied", "go-redisstore", roomy, true},
	{"httprate-redis/open", "httprate-redis", roomy, false},
	{"httprate-redis/denied", "httprate-redis", roomy, true},
	{"mennanov-tokenbucket/busy", "mennanov-tokenbucket", ample, false},
	{"mennanov-tokenbucket/denied", "mennanov-tokenbucket", ample, true},
	{"mennanov-fixedwindow/open", "mennanov-fixedwindow", roomy, false},
	{"mennanov-slidingwindow/open", "mennanov-slidingwindow", roomy, false},
	{"mennanov-slidingwindow/denied", "mennanov-slidingwindow", roomy, true},
	{"bare-incr/open", "bare-incr", roomy, false},
	{"bare-incr/denied", "bare-incr", roomy, true},
}

// peers returns the subjects of peerCases. path returns the worker's program. It is called only
// when a case is counted.
func peers(path func() (string, error)) (all []subject) {
	for _, c := range peerCases {
		all = append(all, subject{name: c.name, count: func(ctx context.Context, on *counter) (float64, error) {
			program, err := path()
			if err != nil {
				return 0, err
			}
			place := target.Place{Network: "tcp", Addrs: []string{on.server.Addr}}
			worker, err := measure.StartWorker(program, round.Setup{Place: place, Prefix: "user"})
			if err != nil {
				return 0, err
			}
			defer worker.Close()
			order := round.Order{Limiter: c.limiter, Limit: c.limit, Goroutines: 1, Keys: round.Keys{Count: 1}}
			if c.denied {
				order.Denied, order.Fill = 1, true
				if _, err := worker.Do(ctx, order); err != nil {
					return 0, err
				}
				order.Fill = false
			}
			return on.count(ctx, func(ctx context.Context, n int) error {
				order.Calls = n
				tally, err := worker.Do(ctx, order)
				if err == nil && tally.Failed+tally.WronglyAdmitted+tally.WronglyDenied > 0 {
					err = fmt.Errorf("%d calls failed (%s), %d were wrongly admitted and %d wrongly denied",
						tally.Failed, tally.FirstFailure, tally.WronglyAdmitted, tally.WronglyDenied)
				}
				return err
			})
		}})
	}
	return all
}

// builder returns a function that builds the worker in dir at its first call, and returns its path.
func builder(ctx context.Context, dir string) func() (string, error) {
	return sync.OnceValues(func() (string, error) { return measure.BuildWorker(ctx, dir) })
}

package main

import (
	"context"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
	"github.com/go-weir/weir/slidinglog"
)

// weir are Weir's limiters: each algorithm over each client, and combinations with the options that Weir offers.
var weir = slices.Concat(
	overGoRedis.limiters(weirAlgorithms...),
	overRueidis.limiters(weirAlgorithms...),
	overAutoPipeline.limiters(weirGCRA),
	overGoRedis.limiters(weirCachedGCRA),
	overRueidis.limiters(weirCachedGCRA),
	coalesced(overGoRedis).limiters(weirAlgorithms...),
	overGoRedis.limiters(weirAllOf, weirOneByOne),
	overRueidis.limiters(weirAllOf, weirOneByOne),
	coalesced(overGoRedis).limiters(weirCachedGCRA),
	coalesced(overRueidis).limiters(weirGCRA, weirFixedWindow),
	overGoRedis.limiters(weirInflight),
	overRueidis.limiters(weirInflight),
)

// weirAlgorithm is one of Weir's algorithms. Its open function takes the Runner.
type weirAlgorithm struct {
	name       string
	about      string
	definition round.Definition
	open       func(run scripts.Runner, s Setting) (Allow, error)
}

var weirGCRA = weirAlgorithm{"gcra", "GCRA, by the server's clock to the microsecond", round.GCRA, opens(gcra.New)}

var weirFixedWindow = weirAlgorithm{"fixedwindow", "a window from the key's first request on", round.FixedWindow, opens(windows(fixedwindow.New))}

// weirCachedGCRA caches denials in the process.
var weirCachedGCRA = weirAlgorithm{
	"gcra-cachedenials", "GCRA, whose refusals the process repeats by itself", round.GCRA,
	opens(func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (*denialcache.Limiter, error) {
		l, err := gcra.New(run, limit, opts...)
		if err != nil {
			return nil, err
		}
		return denialcache.New(l, denialcache.MaxKeys(1<<18))
	}),
}

// weirAllOf and weirOneByOne check two limits for each key: GCRA, and a leaky bucket that decides in the same way.
var (
	weirAllOf = weirAlgorithm{
		"allof", "two limits decided as one: GCRA and a leaky bucket", round.GCRA,
		func(run scripts.Runner, s Setting) (Allow, error) {
			both, err := two(run, s)
			if err != nil {
				return nil, err
			}
			l, err := allof.New(both[0], both[1])
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, key string) (bool, error) {
				result, err := l.Allow(ctx, key)
				return result.Allowed, err
			}, nil
		},
	}
	weirOneByOne = weirAlgorithm{
		"onebyone", "the same two limits asked one after the other, the second only if the first admits", round.GCRA,
		func(run scripts.Runner, s Setting) (Allow, error) {
			both, err := two(run, s)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, key string) (bool, error) {
				for _, l := range both {
					if result, err := l.Allow(ctx, key); err != nil || !result.Allowed {
						return false, err
					}
				}
				return true, nil
			}, nil
		},
	}
)

func two(run scripts.Runner, s Setting) (both [2]algorithms.Limiter, err error) {
	if both[0], err = gcra.New(run, s.Limit); err != nil {
		return both, err
	}
	both[1], err = leakybucket.New(run, s.Limit)
	return both, err
}

// weirInflight acquires leases and never releases them. So it admits Rate requests in any span of a Period, as a sliding log
// does.
var weirInflight = weirAlgorithm{
	"inflight", "leases of inflight that last for a period and are not given back", round.SlidingLog,
	func(run scripts.Runner, s Setting) (Allow, error) {
		most, ttl := s.Limit.Rate, min(s.Limit.Period, time.Hour)
		if mostLeases := int64(1 << 20); most > mostLeases { // this limit is meant to be out of reach
			most, ttl = mostLeases, min(ttl, time.Second)
		}
		l, err := inflight.New(run, most, ttl)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, key string) (bool, error) {
			result, err := l.Acquire(ctx, key, inflight.NewID())
			return result.Allowed, err
		}, nil
	},
}

var weirAlgorithms = []weirAlgorithm{
	weirGCRA,
	weirFixedWindow,
	{"slidinglog", "every admitted request of the last period, exactly", round.SlidingLog, opens(windows(slidinglog.New))},
	{"leakybucket", "the leaky bucket as a meter, which decides as GCRA", round.GCRA, opens(leakybucket.New)},
	{"queue", "the leaky bucket as a queue: accepted requests wait", round.GCRA, openQueue},
}

// windows wraps the constructor of an algorithm without a burst, so that it ignores the limit's Burst.
func windows[O any](construct func(scripts.Runner, algorithms.Limit, ...O) (*algorithms.Remote, error)) func(scripts.Runner, algorithms.Limit, ...O) (*algorithms.Remote, error) {
	return func(run scripts.Runner, limit algorithms.Limit, opts ...O) (*algorithms.Remote, error) {
		return construct(run, limit.WithBurst(0), opts...)
	}
}

// opens returns an open function that calls one of Weir's constructors.
func opens[L algorithms.Limiter, O any](
	construct func(scripts.Runner, algorithms.Limit, ...O) (L, error),
) func(scripts.Runner, Setting) (Allow, error) {
	return func(run scripts.Runner, s Setting) (Allow, error) {
		l, err := construct(run, s.Limit)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, key string) (bool, error) {
			result, err := l.Allow(ctx, key)
			return result.Allowed, err
		}, nil
	}
}

// openQueue opens the queue, in which accepted requests count as admitted. A queue accepts Burst waiting requests and one that
// leaves at once, so the Burst here is one less. A Burst of 0 isn't possible. So for full keys, which admit one request a day,
// the first call also takes the place of a waiting request.
func openQueue(run scripts.Runner, s Setting) (Allow, error) {
	q, err := leakybucket.NewQueue(run, s.Limit.WithBurst(max(1, s.Limit.BurstOrRate()-1)))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, key string) (bool, error) {
		slot, err := q.Schedule(ctx, key)
		if s.Full && slot.Accepted {
			_, err = q.Schedule(ctx, key)
		}
		return slot.Accepted, err
	}, nil
}

// weirRunner is a way in which Weir's limiters reach the server.
type weirRunner struct {
	suffix string // of the names of limiters
	client string
	about  string
	run    func(*Clients) (scripts.Runner, error)
	fits   func(context.Context, *Clients) error
}

var (
	overGoRedis = weirRunner{client: "go-redis", run: func(c *Clients) (scripts.Runner, error) {
		return goredisrunner.New(c.GoRedis)
	}}
	overRueidis = weirRunner{suffix: "-rueidis", client: "rueidis", run: func(c *Clients) (scripts.Runner, error) {
		return rueidisrunner.New(c.Rueidis)
	}}
	overAutoPipeline = weirRunner{
		suffix: "-autopipeline", client: "go-redis", about: ", gathered by go-redis' AutoPipeline",
		run:  func(c *Clients) (scripts.Runner, error) { return goredisrunner.New(c.AutoPipeline) },
		fits: hasAutoPipeline,
	}
)

// coalesced returns r with package coalesce in between. All limiters share one coalescer, as they would in a program.
func coalesced(r weirRunner) weirRunner {
	return weirRunner{
		suffix: "-coalesce" + r.suffix, client: r.client, about: r.about + ", gathered by coalesce", fits: r.fits,
		run: func(c *Clients) (scripts.Runner, error) {
			if c.coalescers[r.suffix] != nil {
				return c.coalescers[r.suffix], nil
			}
			run, err := r.run(c)
			if err != nil {
				return nil, err
			}
			c.coalescers[r.suffix], err = coalesce.New(run)
			return c.coalescers[r.suffix], err
		},
	}
}

// floor returns the name of the floor of an algorithm over r, or "". Only limiters over plain go-redis have floors.
func (r weirRunner) floor(algorithm string) string {
	if r.suffix == "" && slices.Contains(floored, algorithm) {
		return "floor-" + algorithm
	}
	return ""
}

// limiters returns the algorithms over r as peers.
func (r weirRunner) limiters(which ...weirAlgorithm) (all []Peer) {
	for _, a := range which {
		all = append(all, Peer{
			Limiter: round.Limiter{
				Name: "weir-" + a.name + r.suffix, About: a.about + r.about, Client: r.client,
				Module: "github.com/go-weir/weir", Definition: a.definition, Floor: r.floor(a.name),
			},
			Open: func(clients *Clients, s Setting) (Allow, error) {
				run, err := r.run(clients)
				if err != nil {
					return nil, err
				}
				return a.open(run, s)
			},
			Fits: r.fits,
		})
	}
	return all
}

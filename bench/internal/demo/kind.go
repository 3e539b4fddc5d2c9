package demo

import (
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// A kind is a kind of limiter in the demonstration.
type kind struct {
	Name      string // in tables and in paths
	About     string
	algorithm string // the algorithm whose definition it should follow

	// new returns the limiter. Each process calls it for its own limiter.
	new func(client redis.UniversalClient, limit algorithms.Limit, prefix string) (algorithms.Limiter, error)
}

// kinds are all kinds, in the order in which they are shown.
var kinds = []kind{
	{
		"process-memory", "a log of timestamps in each process's memory (slidinglog.NewLocal)", "slidinglog",
		func(_ redis.UniversalClient, limit algorithms.Limit, _ string) (algorithms.Limiter, error) {
			return local("slidinglog", limit)
		},
	},
	{
		"shared-cache", "a log of timestamps in Redis, as in Django's cache: GET, compare, SET", "slidinglog",
		func(client redis.UniversalClient, limit algorithms.Limit, prefix string) (algorithms.Limiter, error) {
			return throttle{client, limit, prefix}, nil
		},
	},
	weir("fixedwindow"), weir("slidinglog"), weir("gcra"), weir("leakybucket"),
}

// weirs is the prefix of the names of Weir's kinds.
const weirs = "weir-"

// weir returns the kind of one of Weir's algorithms over Redis.
func weir(algorithm string) kind {
	return kind{weirs + algorithm, "Weir's " + algorithm + " over Redis", algorithm,
		func(client redis.UniversalClient, limit algorithms.Limit, prefix string) (algorithms.Limiter, error) {
			k, err := subject.Named(algorithm)
			if err != nil {
				return nil, err
			}
			run, err := goredisrunner.New(client)
			if err != nil {
				return nil, err
			}
			made, err := k.New(run, limit, algorithms.WithPrefix(prefix))
			return limiterOf(made, err)
		}}
}

// local returns an algorithm's limiter in this process.
func local(algorithm string, limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
	k, err := subject.Named(algorithm)
	if err != nil {
		return nil, err
	}
	made, err := k.NewLocal(limit, opts...)
	return limiterOf(made, err)
}

// limiterOf returns the limiter of a subject, or err if it isn't nil.
func limiterOf(made subject.Subject, err error) (algorithms.Limiter, error) {
	if err != nil {
		return nil, err
	}
	return made.(subject.Limiter).Limiter, nil
}

package linearizable_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/leakybucket/queuetest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// A subject is an algorithm that is tested.
type subject struct {
	name    string
	over    func(scripts.Runner) maker
	local   maker
	probe   method           // the method whose answers show the state
	lasting algorithms.Limit // a limit of which nothing becomes available again during a test
}

// A maker makes a limiter or a queue.
type maker func(limit algorithms.Limit, opts ...algorithms.Option) (asker, error)

// An asker makes a call and returns its answer: an algorithms.Result, a leakybucket.Slot, or nil for a Reset.
type asker func(ctx context.Context, key string, c call) (answer any, err error)

var (
	daily = algorithms.PerDay(20)

	subjects = []subject{
		limiter("fixedwindow", daily, algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal)),
		// A window of a day may end during a test. A window of fifty years ends only in 2069.
		limiter("fixedwindow-aligned", algorithms.Per(20, 50*365*24*time.Hour),
			algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned())),
		limiter("slidinglog", daily, algorithmtest.Of(slidinglog.New, slidinglog.NewLocal)),
		limiter("gcra", daily, algorithmtest.Of(gcra.New, gcra.NewLocal)),
		limiter("leakybucket", daily, algorithmtest.Of(leakybucket.New, leakybucket.NewLocal)),
		queue,
	}

	queue = subject{
		name: "queue",
		over: func(run scripts.Runner) maker {
			return making(func(limit algorithms.Limit, opts ...algorithms.Option) (queuetest.Queue, error) {
				return leakybucket.NewQueue(run, limit, opts...)
			}, askQueue)
		},
		local:   making(queuetest.Reference.New, askQueue),
		probe:   schedule,
		lasting: daily,
	}
)

func limiter(name string, lasting algorithms.Limit, a algorithmtest.Algorithm) subject {
	return subject{
		name:    name,
		over:    func(run scripts.Runner) maker { return making(a.Over(run), askLimiter).of(a.Fitting) },
		local:   making(a.Local, askLimiter).of(a.Fitting),
		probe:   peek,
		lasting: lasting,
	}
}

func making[L any](create func(algorithms.Limit, ...algorithms.Option) (L, error), ask func(L) asker) maker {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (asker, error) {
		l, err := create(limit, opts...)
		return ask(l), err
	}
}

// of returns a maker that changes the limits with fitting.
func (create maker) of(fitting func(algorithms.Limit) algorithms.Limit) maker {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (asker, error) {
		return create(fitting(limit), opts...)
	}
}

func askLimiter(l algorithms.Limiter) asker {
	return func(ctx context.Context, key string, c call) (answer any, err error) {
		switch c.method {
		case allow:
			answer, err = l.Allow(ctx, key)
		case allowN:
			answer, err = l.AllowN(ctx, key, c.cost)
		case peek:
			answer, err = l.Peek(ctx, key)
		case reset:
			err = l.Reset(ctx, key)
		default:
			err = fmt.Errorf("a limiter has no %s", c.method)
		}
		return answer, err
	}
}

func askQueue(q queuetest.Queue) asker {
	return func(ctx context.Context, key string, c call) (answer any, err error) {
		switch c.method {
		case schedule:
			answer, err = q.Schedule(ctx, key)
		case reset:
			err = q.Reset(ctx, key)
		default:
			err = fmt.Errorf("a queue has no %s", c.method)
		}
		return answer, err
	}
}

// onClock returns a maker of limiters that take the time from each call. Only one goroutine may use such a limiter.
func (create maker) onClock() maker {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (asker, error) {
		var now time.Time
		ask, err := create(limit, append(opts, algorithms.WithClock(func() time.Time { return now }))...)
		return func(ctx context.Context, key string, c call) (any, error) {
			now = start.Add(time.Duration(c.at) * step)
			return ask(ctx, key, c)
		}, err
	}
}

package conformance_test

import (
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/leakybucket/queuetest"
	"github.com/go-weir/weir/scripts"
)

// TestLimiters runs the suite over every algorithm, client and server. Each decision is compared with that of the
// algorithm's Local. The algorithm's own package runs the same suite over Local and on miniredis.
func TestLimiters(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			for _, a := range all {
				t.Run(a.name, func(t *testing.T) {
					stored := limitertest.StoredIn(resptest.Dial(t, addr))
					limitertest.Run(t, a.Over(run), append(a.Compared(), stored)...)
				})
			}
		})
	})
}

// TestQueues runs the queue's suite over every client and server.
func TestQueues(t *testing.T) {
	eachServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			queuetest.Run(t, queuetest.Subject{
				New: func(limit algorithms.Limit, opts ...algorithms.Option) (queuetest.Queue, error) {
					return leakybucket.NewQueue(run, limit, opts...)
				},
				With: func(q queuetest.Queue, limit algorithms.Limit) (queuetest.Queue, error) {
					return q.(*leakybucket.Queue).With(limit)
				},
				Store: resptest.Dial(t, addr),
			})
		})
	})
}

package gcra_test

import (
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/resptest"
)

func newLocal(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
	return gcra.NewLocal(limit, opts...)
}

func changeLocal(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*gcra.Local).With(limit)
}

func change(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	return l.(*gcra.Limiter).With(limit)
}

func TestConformance(t *testing.T) {
	t.Run("Local", func(t *testing.T) {
		limitertest.Run(t, newLocal, limitertest.Changing(changeLocal, changeLocal))
	})
	t.Run("miniredis", func(t *testing.T) {
		_, conn := resptest.Miniredis(t)
		limitertest.Run(t, func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
			return gcra.New(conn, limit, opts...)
		}, limitertest.Against(newLocal), limitertest.Changing(change, changeLocal), limitertest.StoredIn(conn))
	})
}

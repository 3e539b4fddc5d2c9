package allof_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/slidinglog"
)

// algorithmsByName has all algorithms.
var algorithmsByName = map[string]algorithmtest.Algorithm{
	"fixedwindow":         algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal),
	"fixedwindow-aligned": algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()),
	"slidinglog":          algorithmtest.Of(slidinglog.New, slidinglog.NewLocal),
	"gcra":                algorithmtest.Of(gcra.New, gcra.NewLocal),
	"leakybucket":         algorithmtest.Of(leakybucket.New, leakybucket.NewLocal),
}

// placed is a connection whose server is known to hold all keys.
type placed struct{ *resptest.Conn }

func (placed) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

// server starts an embedded server.
func server(t testing.TB) *placed {
	_, conn := resptest.Miniredis(t)
	return &placed{conn}
}

// of returns a factory of a Limiter over the limiters of factories.
func of(factories ...limitertest.Factory) limitertest.Factory {
	return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		limiters := make([]algorithms.Limiter, len(factories))
		for i, factory := range factories {
			var err error
			if limiters[i], err = factory(limit, opts...); err != nil {
				return nil, err
			}
		}
		return allof.New(limiters...)
	}
}

// TestOfOne: a Limiter over one limiter decides as that limiter does. One algorithm is enough on a server, where TestOfSeveral and
// TestFallback use the others.
func TestOfOne(t *testing.T) {
	for _, name := range []string{"gcra", "fixedwindow-aligned", "slidinglog"} {
		algorithm := algorithmsByName[name]
		t.Run(name, func(t *testing.T) {
			limitertest.Run(t, of(algorithm.Local), limitertest.Against(algorithm.Local))
		})
	}
	t.Run("miniredis", func(t *testing.T) {
		algorithm, conn := algorithmsByName["gcra"], server(t)
		limitertest.Run(t, of(algorithm.Over(conn)), limitertest.Against(algorithm.Local), limitertest.StoredIn(conn))
	})
}

// TestOfSeveral: a Limiter over two limiters of equal limits decides as each of them does. Over different limits it makes
// the same decisions in this process and on a server.
func TestOfSeveral(t *testing.T) {
	bucket, meter := algorithmsByName["gcra"], algorithmsByName["leakybucket"]
	window, log := algorithmsByName["fixedwindow"], algorithmsByName["slidinglog"]
	conn := server(t)
	shared, err := coalesce.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("Local", func(t *testing.T) {
		limitertest.Run(t, of(bucket.Local, meter.Local), limitertest.Against(bucket.Local))
	})
	t.Run("miniredis", func(t *testing.T) {
		limitertest.Run(t, of(meter.Over(conn), bucket.Over(conn)), limitertest.Against(bucket.Local), limitertest.StoredIn(conn))
	})
	t.Run("coalesce", func(t *testing.T) {
		limitertest.Run(t, of(window.Over(shared), log.Over(shared)), limitertest.Against(of(window.Local, log.Local)), limitertest.StoredIn(conn))
	})
}

// TestFallback: a fallback goes around a Limiter. Its secondary is the Limiter's Local.
func TestFallback(t *testing.T) {
	window, log := algorithmsByName["fixedwindow"], algorithmsByName["slidinglog"]
	conn := server(t)
	inside := of(window.Over(conn), log.Over(conn))
	limitertest.Run(t, func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
		all, err := inside(limit, opts...)
		if err != nil {
			return nil, err
		}
		local, err := all.(*allof.Limiter).Local()
		if err != nil {
			return nil, err
		}
		return fallback.New(all, local, fallback.Timeout(time.Hour), fallback.OnError(func(error) {}))
	}, limitertest.StoredIn(conn))
}

// TestDenialCache: a cache around a Limiter denies the same requests as the Limiter alone.
func TestDenialCache(t *testing.T) {
	bucket, window := algorithmsByName["gcra"], algorithmsByName["fixedwindow"]
	clock := limitertest.NewClock(algorithmtest.Start)
	var all [2]algorithms.Limiter
	for i := range all {
		a, err := bucket.Over(server(t))(algorithms.PerSecond(10), algorithms.WithClock(clock.Now))
		if err != nil {
			t.Fatal(err)
		}
		local, err := a.(*algorithms.Remote).Local()
		if err != nil {
			t.Fatal(err)
		}
		b, err := window.Local(algorithms.PerMinute(25), algorithms.WithClock(clock.Now))
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = allof.New(local, b); err != nil {
			t.Fatal(err)
		}
	}
	cached, err := denialcache.New(all[0], denialcache.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	admitted := 0
	for range 4000 {
		got, err := cached.Allow(context.Background(), "k")
		want, wantErr := all[1].Allow(context.Background(), "k")
		if err != nil || wantErr != nil || got.Allowed != want.Allowed || got.RetryAfter != want.RetryAfter {
			t.Fatalf("%+v, %v, without the cache %+v, %v", got, err, want, wantErr)
		}
		if got.Allowed {
			admitted++
		}
		clock.Advance(30 * time.Millisecond)
	}
	if admitted != 50 {
		t.Errorf("%d were admitted in two minutes, want 50", admitted)
	}
}

package allof_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
)

// TestStoresAlike: what is stored of admitted requests, and for how long, is what each limiter would have stored alone, under
// simulated time and by the server's clock. So limiters can be used alone and as one at the same time.
func TestStoresAlike(t *testing.T) {
	redis, conn := resptest.Miniredis(t)
	run, ctx := &placed{conn}, context.Background()
	over := func(a algorithmtest.Algorithm) limitertest.Factory { return a.Over(run) }
	for _, simulated := range []bool{true, false} {
		rapid.Check(t, func(rt *rapid.T) {
			all := shapes(rt)
			for i := range all {
				all[i].limit.Period *= 1000 // TTLs are in milliseconds
			}
			redis.FlushAll()
			clock := limitertest.NewClock(algorithmtest.Start)
			var opts []algorithms.Option
			if simulated {
				opts = append(opts, algorithms.WithClock(clock.Now))
			}
			whole, alone := append(opts[:len(opts):len(opts)], algorithms.WithPrefix("whole")), append(opts[:len(opts):len(opts)], algorithms.WithPrefix("alone"))
			limiters := made(t, all, over, alone...)
			l := together(t, made(t, all, over, whole...))
			for range rapid.IntRange(1, 15).Draw(rt, "requests") {
				redis.SetTime(clock.Now())
				asked := requests(rt, limiters)
				d, err := l.AllowEach(ctx, asked...)
				for i, q := range asked {
					if one, oneErr := limiters[i].PeekN(ctx, q.Key, q.Cost); err != nil || oneErr != nil || one.Allowed != d.Each[i].Allowed {
						rt.Fatalf("%v: as one %+v, %v; alone %+v, %v", asked, d.Each[i], err, one, oneErr)
					}
					if d.Result.Allowed {
						if one, err := limiters[i].AllowN(ctx, q.Key, q.Cost); err != nil || one != d.Each[i] {
							rt.Fatalf("%v: as one %+v, alone %+v, %v", asked, d.Each[i], one, err)
						}
					}
				}
				if as, by := contents(t, conn, "whole"), contents(t, conn, "alone"); as != by {
					rt.Fatalf("%v, %v, simulated %v: as one\n%s\nalone\n%s", all, asked, simulated, as, by)
				}
				step := time.Duration(rapid.Int64Range(0, 20_000).Draw(rt, "step")) * time.Microsecond
				clock.Advance(step)
				redis.FastForward(step)
			}
		})
	}
}

// contents is what the keys with a prefix hold, and for how long.
func contents(t testing.TB, conn *resptest.Conn, prefix string) string {
	t.Helper()
	stored, err := conn.Dump(context.Background(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for key, value := range stored {
		ttl, err := conn.Do("PTTL", key)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(key, prefix)] = fmt.Sprint(value, " for ", ttl)
	}
	return fmt.Sprint(all)
}

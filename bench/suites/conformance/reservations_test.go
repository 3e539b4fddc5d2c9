package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// TestAtMost: on every server and client, AllowAtMost gives the same answers as that of the algorithm's Local.
func TestAtMost(t *testing.T) {
	eachServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			for _, a := range all {
				for i, limit := range []algorithms.Limit{
					algorithms.PerSecond(7).WithBurst(30), algorithms.PerMinute(1000), algorithms.Per(3_000_000, time.Second), algorithms.Per(1<<45, time.Hour),
				} {
					compareAtMost(t, a, run, a.Fitting(limit), fmt.Sprintf("atmost-%d-%d", time.Now().UnixNano(), i))
				}
			}
		})
	})
}

func compareAtMost(t *testing.T, a algorithm, run scripts.Runner, limit algorithms.Limit, prefix string) {
	t.Helper()
	ctx, clock := context.Background(), limitertest.NewClock(algorithmtest.Start)
	remote, err := a.Over(run)(limit, algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix))
	local, localErr := a.Local(limit, algorithms.WithClock(clock.Now))
	if err := errors.Join(err, localErr); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	for range 40 {
		clock.Advance(time.Duration(random.Int64N(int64(limit.Period / 3))))
		n := 1 + random.Int64N(limit.BurstOrRate())
		got, gotResult, err := remote.(*algorithms.Remote).AllowAtMost(ctx, "k", n)
		want, wantResult, localErr := local.(*algorithms.Local).AllowAtMost(ctx, "k", n)
		if err != nil || localErr != nil || got != want || gotResult != wantResult {
			t.Fatalf("%s, %v: at most %d: %d, %+v, %v, and %d, %+v, %v in this process", a.name, limit, n, got, gotResult, err, want, wantResult, localErr)
		}
	}
}

// TestSettledKeysExpire: keys that settlements have written expire, by a real server's own clock.
func TestSettledKeysExpire(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		for _, a := range all {
			conn, prefix := fresh(t, addr)
			run := resptest.Dial(t, addr)
			made, err := a.Over(run)(algorithms.Per(10, 100*time.Millisecond), algorithms.WithPrefix(prefix))
			if err != nil {
				t.Fatal(err)
			}
			for _, used := range []int64{0, 3, 12} {
				r, err := made.(algorithms.Reserver).Reserve(t.Context(), fmt.Sprint("key ", used), 5)
				if err == nil {
					err = r.Commit(t.Context(), used)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			waitForExpiry(t, conn, prefix)
		}
	})
}

package algorithms_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
)

// Six processes that can't reach their server each admit a sixth of the limit.
func ExampleLimit_Share() {
	share, err := algorithms.PerSecond(100).WithBurst(20).Share(6)
	if err != nil {
		panic(err)
	}
	fmt.Println(share)
	local, err := gcra.NewLocal(share) // for httplimit.FallBack
	if err != nil {
		panic(err)
	}
	result, err := local.Allow(context.Background(), "alice")
	fmt.Println(result.Allowed, result.Remaining, err)
	// Output:
	// 16/960ms burst 3
	// true 2 <nil>
}

func TestShare(t *testing.T) {
	const most = 1 << 51
	for _, c := range []struct {
		limit algorithms.Limit
		n     int64
		want  algorithms.Limit
	}{
		{algorithms.PerSecond(10), 1, algorithms.PerSecond(10)},
		{algorithms.PerSecond(10), 5, algorithms.PerSecond(2)},
		{algorithms.PerSecond(10), 10, algorithms.PerSecond(1)},
		{algorithms.PerSecond(10), 20, algorithms.Per(1, 2*time.Second)},
		{algorithms.PerMinute(5), 6, algorithms.Per(1, 72*time.Second)},
		{algorithms.PerSecond(7), 3, algorithms.Per(2, 857_143*time.Microsecond)}, // 6/7 s, rounded up
		{algorithms.PerSecond(10).WithBurst(20), 5, algorithms.PerSecond(2).WithBurst(4)},
		{algorithms.PerSecond(10).WithBurst(3), 5, algorithms.PerSecond(2).WithBurst(1)},
		{algorithms.PerDay(1), math.MaxInt64, algorithms.Per(1, most*time.Microsecond)},
		// The period, 4.5 µs, was rounded up: a third of the burst would take longer than a limit may.
		{algorithms.Per(2, 3*time.Microsecond).WithBurst(1_501_199_875_790_165), 3, algorithms.Per(1, 5*time.Microsecond).WithBurst(450_359_962_737_049)},
		{algorithms.Per(most, time.Microsecond), most, algorithms.Per(1, time.Microsecond)},
	} {
		if got, err := c.limit.Share(c.n); err != nil || got != c.want {
			t.Errorf("the share of %+v among %d is %+v, %v, want %+v", c.limit, c.n, got, err, c.want)
		}
	}
	for n, limit := range map[int64]algorithms.Limit{0: algorithms.PerSecond(10), -3: algorithms.PerSecond(10), 3: {}} {
		if share, err := limit.Share(n); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("the share of %+v among %d is %+v, %v, want ErrInvalidLimit", limit, n, share, err)
		}
	}
}

// TestShareProperties: the share of a valid limit is valid. n shares admit at most the limit's rate, and
// less only by the rounding of the period to a microsecond. The burst is shared too.
func TestShareProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := limits().Draw(t, "limit")
		n := rapid.OneOf(rapid.Int64Range(1, 100), rapid.Int64Range(1, math.MaxInt64)).Draw(t, "n")
		share, err := limit.Share(n)
		if err = errors.Join(err, share.Validate()); err != nil {
			t.Fatalf("%+v is not valid: %v", share, err)
		}
		const longest = (1 << 51) * time.Microsecond
		rate := func(l algorithms.Limit, period time.Duration) *big.Rat {
			return big.NewRat(l.Rate, period.Microseconds())
		}
		all := func(one *big.Rat) *big.Rat { return new(big.Rat).Mul(one, new(big.Rat).SetInt64(n)) }
		if share.Period < longest && all(rate(share, share.Period)).Cmp(rate(limit, limit.Period)) > 0 {
			t.Fatalf("%d shares %+v admit more than %+v", n, share, limit)
		}
		if shorter := share.Period - time.Microsecond; shorter > 0 && all(rate(share, shorter)).Cmp(rate(limit, limit.Period)) <= 0 {
			t.Fatalf("%d shares %+v admit less of %+v than they could", n, share, limit)
		}
		switch {
		case limit.Burst == 0 && share.Burst != 0:
			t.Fatalf("%+v has a burst, %+v has none", share, limit)
		case limit.Burst > 0 && share.Burst < 1:
			t.Fatalf("%+v has no burst, %+v has", share, limit)
		case share.Burst > max(limit.Burst/n, 1):
			t.Fatalf("%+v has more than its part of the burst of %+v among %d", share, limit, n)
		}
	})
}

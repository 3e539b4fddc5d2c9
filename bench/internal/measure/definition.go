package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/round"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/slidinglog"
)

// admits returns how many requests at the given moments a definition admits. Moments are nanoseconds since the Unix epoch.
func admits(definition round.Definition, limit algorithms.Limit, moments []int64) (admitted int, err error) {
	slices.Sort(moments)
	if definition == round.SlidingCounter {
		return counterAdmits(limit, moments), nil
	}
	var now time.Time
	limiter, err := define(definition, limit, algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		return 0, err
	}
	for _, at := range moments {
		now = time.Unix(0, at)
		result, err := limiter.Allow(context.Background(), "")
		if err != nil {
			return 0, err
		}
		if result.Allowed {
			admitted++
		}
	}
	return admitted, nil
}

// An allower is a limiter in this process that decides as a definition says.
type allower interface {
	Allow(ctx context.Context, key string) (algorithms.Result, error)
}

// define returns a limiter that decides as the definition says.
func define(definition round.Definition, limit algorithms.Limit, clock algorithms.Option) (allower, error) {
	switch definition {
	case round.FixedWindow:
		return fixedwindow.NewLocal(limit, clock)
	case round.AlignedWindow:
		return fixedwindow.NewLocal(limit, clock, fixedwindow.Aligned())
	case round.SlidingLog:
		return slidinglog.NewLocal(limit, clock)
	case round.GCRA:
		return gcra.NewLocal(limit, clock)
	}
	return nil, fmt.Errorf("measure: there is no definition %q to judge by", definition)
}

// counterAdmits returns how many requests a sliding window counter admits. Such a limiter counts the admitted requests of
// each whole period since the Unix epoch, and assumes that those of the previous period were spread evenly over it.
func counterAdmits(limit algorithms.Limit, moments []int64) (admitted int) {
	period, rate := int64(limit.Period), float64(limit.Rate)
	var window, before, within int64
	for _, at := range moments {
		if current := at / period; current != window {
			if before = 0; current == window+1 {
				before = within
			}
			window, within = current, 0
		}
		left := 1 - float64(at%period)/float64(period)
		if float64(before)*left+float64(within) < rate {
			within++
			admitted++
		}
	}
	return admitted
}

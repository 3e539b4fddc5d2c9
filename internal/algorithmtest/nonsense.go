package algorithmtest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
)

// replies is a runner that gives one reply to every call.
type replies []int64

func (r replies) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return r, nil
}

// Nonsense tests replies of a wrong server. Each gives ErrReply or, if a correct script could send it too, a Result that a
// limiter can give. None causes a panic.
func (a Algorithm) Nonsense(t *testing.T) {
	numbers := []int64{0, 1, -1, -2, 5, 7, 1 << 40, 1 << 53, math.MaxInt64, math.MinInt64}
	for _, limit := range []algorithms.Limit{
		algorithms.PerSecond(7), algorithms.PerSecond(250_000), algorithms.PerSecond(1 << 40), algorithms.PerHour(1),
	} {
		for length := range 6 {
			for _, n := range numbers {
				for _, m := range numbers {
					reply := make(replies, length)
					for i := range reply {
						reply[i] = []int64{n, m}[i%2]
					}
					l, err := a.Over(reply)(limit)
					if errors.Is(err, algorithms.ErrInvalidLimit) {
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					for name, ask := range map[string]func(context.Context, string) (algorithms.Result, error){"Allow": l.Allow, "Peek": l.Peek} {
						result, err := ask(context.Background(), "k")
						if (length == 0 || length == 5 || err != nil) && !errors.Is(err, scripts.ErrReply) {
							t.Errorf("%v: %s, reply %v: %v, want ErrReply", limit, name, reply, err)
						}
						if err == nil && !possible(limit, result) {
							t.Errorf("%v: %s, reply %v: %+v, want ErrReply", limit, name, reply, result)
						}
					}
				}
			}
		}
	}
}

// possible reports whether a limiter can give that Result.
func possible(limit algorithms.Limit, r algorithms.Result) bool {
	most := max(limit.Period, time.Duration(float64(limit.Period)/float64(limit.Rate)*float64(limit.BurstOrRate()))) + time.Microsecond
	return r.Allowed == (r.RetryAfter == 0) && r.Remaining >= 0 && r.Remaining <= r.Limit &&
		r.RetryAfter >= 0 && r.RetryAfter <= r.ResetAfter && r.ResetAfter <= most
}

package algorithmtest

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
)

// replies is a runner that gives one reply to everything.
type replies []int64

func (r replies) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return r, nil
}

// Nonsense has a server give replies that no script gives: one of another length is ErrReply, and none
// is a panic.
func (a Algorithm) Nonsense(t *testing.T) {
	numbers := []int64{0, 1, -1, 7, math.MaxInt64, math.MinInt64}
	for _, limit := range []algorithms.Limit{algorithms.PerSecond(7), algorithms.PerSecond(1 << 40), algorithms.PerHour(1)} {
		for length := range 6 {
			for _, n := range numbers {
				for _, m := range numbers {
					reply := make(replies, length)
					for i := range reply {
						reply[i] = []int64{n, m}[i%2]
					}
					l, err := a.Over(reply)(limit)
					if err != nil {
						t.Fatal(err)
					}
					_, err = l.Allow(context.Background(), "k")
					if (length == 0 || length == 5) && !errors.Is(err, scripts.ErrReply) {
						t.Errorf("reply %v: %v, want ErrReply", reply, err)
					}
				}
			}
		}
	}
}

package slidinglog_test

import (
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/algorithmtest"
)

// model lists all that was charged.
type model struct {
	rate, period int64
	charges      []struct{ at, n int64 }
}

func newModel(limit algorithms.Limit) algorithmtest.Model {
	return &model{rate: limit.Rate, period: limit.Period.Microseconds()}
}

func (m *model) Charge(now, n int64) {
	if n > 0 {
		m.charges = append(m.charges, struct{ at, n int64 }{now, n})
	}
}

// Wait adds up what is newer, from the newest on: once that is too much, the next must go.
func (m *model) Wait(now, n int64) int64 {
	used := n
	for i := len(m.charges) - 1; i >= 0; i-- {
		if used += m.charges[i].n; used > m.rate {
			return max(m.charges[i].at+m.period-now, 0)
		}
	}
	return 0
}

func (m *model) Reset(now int64) int64 {
	if len(m.charges) == 0 {
		return 0
	}
	return max(m.charges[len(m.charges)-1].at+m.period-now, 0)
}

func TestSettlements(t *testing.T) { algorithm.Settlements(t, newModel) }

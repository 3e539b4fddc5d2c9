package gcra_test

import (
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/algorithmtest"
)

// model is a theoretical arrival time in units of 1/rate µs, in which an emission interval is a period.
type model struct{ rate, period, burst, tat int64 }

func newModel(limit algorithms.Limit) algorithmtest.Model {
	return &model{rate: limit.Rate, period: limit.Period.Microseconds(), burst: limit.BurstOrRate()}
}

func (m *model) Charge(now, n int64) {
	if n > 0 {
		m.tat = max(m.tat, now*m.rate) + n*m.period
	}
}

func (m *model) Wait(now, n int64) int64 {
	return m.roundUp(max(m.tat-now*m.rate, 0) + (n-m.burst)*m.period)
}

func (m *model) Reset(now int64) int64 { return m.roundUp(m.tat - now*m.rate) }

func (m *model) roundUp(ahead int64) int64 { return (max(ahead, 0) + m.rate - 1) / m.rate }

func TestSettlements(t *testing.T) { algorithm.Settlements(t, newModel) }

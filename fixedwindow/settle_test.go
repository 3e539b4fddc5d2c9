package fixedwindow_test

import (
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/algorithmtest"
)

// model is a window that also opens for a request of cost 0.
type model struct {
	rate, period int64
	aligned      bool
	end, count   int64
}

func newModel(limit algorithms.Limit) algorithmtest.Model {
	return &model{rate: limit.Rate, period: limit.Period.Microseconds()}
}

func newAligned(limit algorithms.Limit) algorithmtest.Model {
	return &model{rate: limit.Rate, period: limit.Period.Microseconds(), aligned: true}
}

func (m *model) Charge(now, n int64) {
	if now >= m.end {
		m.end, m.count = now+m.period, 0
		if m.aligned {
			m.end -= (algorithmtest.Start.UnixMicro() + now) % m.period
		}
	}
	m.count += n
}

func (m *model) Wait(now, n int64) int64 {
	if now >= m.end || m.count+n <= m.rate {
		return 0
	}
	return m.end - now
}

func (m *model) Reset(now int64) int64 {
	if m.count == 0 {
		return 0
	}
	return max(m.end-now, 0)
}

func TestSettlements(t *testing.T) { algorithm.Settlements(t, newModel) }

func TestAlignedSettlements(t *testing.T) {
	algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()).Settlements(t, newAligned)
}

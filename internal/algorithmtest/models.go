package algorithmtest

import "github.com/go-weir/weir/algorithms"

// A Model is a key of a limiter that charges any number of events. It computes its answers in a simpler way than the
// limiter.
type Model interface {
	// Charge charges n events, 0 or more, at the time now, in µs, which never goes back.
	Charge(now, n int64)

	// Wait returns how long n events would have to wait at now, in µs; 0 if they fit.
	Wait(now, n int64) int64

	// Reset returns how long it takes until the key is as good as new, in µs.
	Reset(now int64) int64
}

// bucket keeps a theoretical arrival time in units of 1/rate µs. In these units an emission interval is as long as the
// period.
type bucket struct{ rate, period, burst, tat int64 }

// BucketModel is the model of gcra and of the leaky bucket's meter.
func BucketModel(limit algorithms.Limit) Model {
	return &bucket{rate: limit.Rate, period: limit.Period.Microseconds(), burst: limit.BurstOrRate()}
}

func (m *bucket) Charge(now, n int64) {
	if n > 0 {
		m.tat = max(m.tat, now*m.rate) + n*m.period
	}
}

func (m *bucket) Wait(now, n int64) int64 {
	return m.roundUp(max(m.tat-now*m.rate, 0) + (n-m.burst)*m.period)
}

func (m *bucket) Reset(now int64) int64 { return m.roundUp(m.tat - now*m.rate) }

func (m *bucket) roundUp(ahead int64) int64 { return (max(ahead, 0) + m.rate - 1) / m.rate }

// window is a window that also opens for a request of cost 0.
type window struct {
	rate, period int64
	aligned      bool
	end, count   int64
}

// WindowModel is the model of fixedwindow.
func WindowModel(limit algorithms.Limit) Model {
	return &window{rate: limit.Rate, period: limit.Period.Microseconds()}
}

// AlignedModel is the model of fixedwindow with Aligned, for times that are counted from [Start].
func AlignedModel(limit algorithms.Limit) Model {
	return &window{rate: limit.Rate, period: limit.Period.Microseconds(), aligned: true}
}

func (m *window) Charge(now, n int64) {
	if now >= m.end {
		m.end, m.count = now+m.period, 0
		if m.aligned {
			m.end -= (Start.UnixMicro() + now) % m.period
		}
	}
	m.count += n
}

func (m *window) Wait(now, n int64) int64 {
	if now >= m.end || m.count+n <= m.rate {
		return 0
	}
	return m.end - now
}

func (m *window) Reset(now int64) int64 {
	if m.count == 0 {
		return 0
	}
	return max(m.end-now, 0)
}

// charges lists all charges.
type charges struct {
	rate, period int64
	list         []struct{ at, n int64 }
}

// LogModel is the model of slidinglog.
func LogModel(limit algorithms.Limit) Model {
	return &charges{rate: limit.Rate, period: limit.Period.Microseconds()}
}

func (m *charges) Charge(now, n int64) {
	if n > 0 {
		m.list = append(m.list, struct{ at, n int64 }{now, n})
	}
}

// Wait adds up the charges from the newest on. The first charge that makes the sum too large must expire.
func (m *charges) Wait(now, n int64) int64 {
	used := n
	for i := len(m.list) - 1; i >= 0 && m.list[i].at > now-m.period; i-- {
		if used += m.list[i].n; used > m.rate {
			return m.list[i].at + m.period - now
		}
	}
	return 0
}

func (m *charges) Reset(now int64) int64 {
	if len(m.list) == 0 {
		return 0
	}
	return max(m.list[len(m.list)-1].at+m.period-now, 0)
}

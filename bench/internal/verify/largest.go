package verify

import (
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
)

// A gauge computes the largest number of admissions in a span of time, in the order of time. It includes admissions that a server
// has lost.
type gauge interface {
	admit(now, cost int64, reply []int64)
	// largest returns the largest count so far. It is at most bound if nothing was forgotten.
	largest() int64
	bound() int64
}

// gaugeOf returns the gauge of a kind under a limit. If rough is set, times may be wrong by up to a quarter of the period.
func gaugeOf(kind subject.Kind, limit algorithms.Limit, rough bool) gauge {
	if kind.Parts != nil {
		return newSeveralGauge(kind.Parts(limit), rough)
	}
	period := limit.Period.Microseconds()
	switch kind.Name {
	case "fixedwindow", "fixedwindow-aligned":
		g := &windowGauge{rate: limit.Rate, period: period}
		if rough {
			g.slack = period / 2
		}
		return g
	case "slidinglog":
		return &spanGauge{span: span{rate: limit.Rate, period: period}}
	case "queue":
		return &departureGauge{rate: limit.Rate, period: period}
	}
	return &bucketGauge{bucket: bucket{rate: limit.Rate, period: period, burst: limit.BurstOrRate()}}
}

// windowGauge counts the admissions of one window. If a server has forgotten a window and opened another before its end, it
// counts the admissions of both together.
type windowGauge struct {
	rate, period       int64
	slack              int64 // the time by which two windows may seem to overlap
	end, admitted, max int64
}

func (g *windowGauge) admit(now, cost int64, reply []int64) {
	end := now + reply[1]
	if end-g.period+g.slack >= g.end {
		g.admitted = 0
	}
	g.end = max(g.end, end)
	g.admitted += cost
	g.max = max(g.max, g.admitted)
}

func (g *windowGauge) largest() int64 { return g.max }
func (g *windowGauge) bound() int64   { return g.rate }

// spanGauge counts the admissions in any span of a period.
type spanGauge struct {
	span
	max int64
}

func (g *spanGauge) admit(now, cost int64, _ []int64) {
	g.span.admit(now, cost, nil)
	g.max = max(g.max, g.sum)
}

func (g *spanGauge) largest() int64 { return g.max }
func (g *spanGauge) bound() int64   { return g.rate }

// bucketGauge counts the admissions in any span of time, minus the t/T that come back in it.
type bucketGauge struct {
	bucket
	max int64
}

func (g *bucketGauge) admit(now, cost int64, _ []int64) {
	g.bucket.admit(now, cost, nil)
	g.max = max(g.max, (g.parts+g.period-1)/g.period)
}

func (g *bucketGauge) largest() int64 { return g.max }
func (g *bucketGauge) bound() int64   { return g.burst }

// departureGauge counts the departures in any span of a period. Their times are in parts of a µs, of which a µs has rate.
// After a queue was forgotten, they are not in order.
type departureGauge struct {
	rate, period int64
	departures   []int64
}

func (g *departureGauge) admit(now, _ int64, reply []int64) {
	g.departures = append(g.departures, departure(now, g.rate, g.period, reply))
}

func (g *departureGauge) largest() (most int64) {
	slices.Sort(g.departures)
	first := 0
	for i, at := range g.departures {
		for at-g.departures[first] >= g.period*g.rate {
			first++
		}
		most = max(most, int64(i-first+1))
	}
	return most
}

func (g *departureGauge) bound() int64 { return g.rate }

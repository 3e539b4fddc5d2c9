// Package verify compares the decisions of a server with the definitions of the algorithms, which it computes over all admitted
// requests, and with the algorithms' Locals.
package verify

import (
	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
)

// A definition decides whether a request fits, from all requests that were admitted before. Times are in µs and never go back. It
// computes in another way than the limiters, and may be slow.
type definition interface {
	// fits says whether a request fits, by the definition.
	fits(now, cost int64) bool
	// admit takes in a request that was admitted, whether it fits or not. Reply is the script's.
	admit(now, cost int64, reply []int64) (ok bool)
	// forget makes all admissions undone.
	forget()
}

// rated is a definition that can change its rate, what it has counted staying as it is.
type rated interface{ under(rate int64) }

// undefined is no definition: then only the Local judges.
var undefined definition

// define returns the definition of a kind under a limit.
func define(kind subject.Kind, limit algorithms.Limit) definition {
	if kind.Parts != nil {
		return newSeveral(kind.Parts(limit))
	}
	period := limit.Period.Microseconds()
	switch kind.Name {
	case "fixedwindow":
		return &window{rate: limit.Rate, period: period}
	case "fixedwindow-aligned":
		return &window{rate: limit.Rate, period: period, aligned: true}
	case "slidinglog":
		return &span{rate: limit.Rate, period: period}
	case "queue":
		return &departures{rate: limit.Rate, period: period, burst: limit.BurstOrRate()}
	}
	return &bucket{rate: limit.Rate, period: period, burst: limit.BurstOrRate()}
}

// window: no window holds more than rate. It opens with the first admitted request after the one
// before, or at whole periods since the epoch.
type window struct {
	rate, period int64
	aligned      bool

	end, admitted int64
}

func (w *window) at(now int64) (admitted int64) {
	if now >= w.end {
		return 0
	}
	return w.admitted
}

func (w *window) fits(now, cost int64) bool { return w.at(now)+cost <= w.rate }

func (w *window) admit(now, cost int64, _ []int64) bool {
	if now >= w.end {
		w.admitted, w.end = 0, now+w.period
		if w.aligned {
			w.end -= now % w.period
		}
	}
	w.admitted += cost
	return true
}

func (w *window) under(rate int64) { w.rate = rate }

func (w *window) forget() { w.end, w.admitted = 0, 0 }

// span: no span of period holds more than rate.
type span struct {
	rate, period int64

	admitted []struct{ at, cost int64 }
	sum      int64
}

// at drops what has left the span that ends now, and returns what is in it.
func (s *span) at(now int64) (admitted int64) {
	for len(s.admitted) > 0 && now-s.admitted[0].at >= s.period {
		s.sum -= s.admitted[0].cost
		s.admitted = s.admitted[1:]
	}
	return s.sum
}

func (s *span) fits(now, cost int64) bool { return s.at(now)+cost <= s.rate }

func (s *span) admit(now, cost int64, _ []int64) bool {
	s.at(now)
	s.admitted = append(s.admitted, struct{ at, cost int64 }{now, cost})
	s.sum += cost
	return true
}

func (s *span) under(rate int64) { s.rate = rate }

func (s *span) forget() { s.admitted, s.sum = nil, 0 }

// bucket: no span of time t holds more than burst + t/T, T being period/rate. What counts is the
// fullest of all spans that end now: everything in it, less what t/T takes. It is kept in parts of an
// event, period of them, so that all is whole: a µs takes rate parts.
type bucket struct {
	rate, period, burst int64

	last, parts int64
}

func (b *bucket) at(now int64) (parts int64) {
	if b.parts == 0 {
		return 0
	}
	return max(b.parts-(now-b.last)*b.rate, 0)
}

func (b *bucket) fits(now, cost int64) bool {
	return b.at(now)+cost*b.period <= b.burst*b.period
}

func (b *bucket) admit(now, cost int64, _ []int64) bool {
	b.parts, b.last = b.at(now)+cost*b.period, now
	return true
}

func (b *bucket) forget() { b.parts, b.last = 0, 0 }

// departures: each leaves T after the one before, or at once if that is later; no request waits longer than
// burst·T. Times are kept in parts of a µs, rate of them, so that T is whole.
type departures struct {
	rate, period, burst int64

	next int64 // when the next may leave, in parts
}

func (d *departures) fits(now, _ int64) bool { return d.next-now*d.rate <= d.burst*d.period }

// admit says whether the departure that was given is the one that the definition gives.
func (d *departures) admit(now, _ int64, reply []int64) bool {
	departs := max(d.next, now*d.rate)
	d.next = departs + d.period
	return departure(now, d.rate, d.period, reply) == departs
}

// departure is when a queue's reply to a request that it accepted says that it leaves, in parts of a µs, rate of
// them. A reply's own parts are those of T in lowest terms.
func departure(now, rate, period int64, reply []int64) int64 {
	departs := (now + reply[0]) * rate
	if len(reply) > 1 {
		departs += reply[1] * gcd(rate, period)
	}
	return departs
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (d *departures) forget() { d.next = 0 }

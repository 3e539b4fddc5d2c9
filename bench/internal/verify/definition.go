// Package verify compares the decisions of a server with the definitions of the algorithms, which it computes over all admitted
// requests, and with the algorithms' Locals.
package verify

import (
	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/subject"
)

// A definition decides whether a request fits, from all requests that were admitted before. Times are in µs and never go
// back. It computes this in a different way than the limiters, and may be slow.
type definition interface {
	// fits reports whether a request fits.
	fits(now, cost int64) bool
	// admit adds a request that was admitted, whether it fits or not. reply is the script's reply. ok is false if the reply
	// contradicts the definition.
	admit(now, cost int64, reply []int64) (ok bool)
	// forget removes all admissions.
	forget()
}

// rated is a definition whose rate can change. A new rate keeps the count.
type rated interface{ under(rate int64) }

// undefined stands for no definition. Then decisions are compared with the Local only.
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

// window is the definition of the fixed window: no window holds more than rate. A window opens with the first admitted
// request after the previous window. If aligned is set, windows open at whole periods since the epoch.
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

// span is the definition of the sliding log: no span of a period holds more than rate.
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

// bucket is the definition of gcra and the leaky bucket's meter: no span of time t holds more than burst + t/T, where T is
// period/rate. Of all spans that end now, parts is the highest count minus t/T. It is counted in parts of an event, so that
// it is a whole number. An event has period parts, and rate parts go away each µs.
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

// departures is the definition of the queue: a request leaves T after the one before it, or at once if that is later. No
// request waits longer than burst·T. Times are counted in parts of a µs, so that T is a whole number. A µs has rate parts.
type departures struct {
	rate, period, burst int64

	next int64 // when the next request may leave, in parts
}

func (d *departures) fits(now, _ int64) bool { return d.next-now*d.rate <= d.burst*d.period }

// admit reports whether the reply has the same departure as the definition.
func (d *departures) admit(now, _ int64, reply []int64) bool {
	departs := max(d.next, now*d.rate)
	d.next = departs + d.period
	return departure(now, d.rate, d.period, reply) == departs
}

// departure returns when an accepted request leaves according to the queue's reply, in parts of a µs, of which a µs has
// rate. In the reply itself, a µs has as many parts as the denominator of T in lowest terms.
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

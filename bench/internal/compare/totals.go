package compare

import (
	"slices"
	"time"

	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/trace"
)

// Totals sum up a run. Requests are the admitted, the denied and those over the limit.
type Totals struct {
	Requests     int
	Admitted     int   // let through, at once or from the queue
	Denied       int   //
	OverLimit    int   // cost more than the limit can ever admit
	Delayed      int   // of the admitted, those that had to wait
	Events       int64 // what the admitted count for, their costs in sum
	MostInPeriod int64 // the most events of one key that went through in any span of a period
	MostInOther  int64 // the same of the second limit's period; 0 without one

	Delay waits // of the delayed, in the queue
	Retry waits // that the denied were told
}

// waits sum up how long requests wait.
type waits struct{ P50, P99, Longest time.Duration }

// summed sums up waits, and puts them into order.
func summed(all []time.Duration) waits {
	if len(all) == 0 {
		return waits{}
	}
	slices.Sort(all)
	rank := func(percent int) time.Duration { return all[(len(all)*percent+99)/100-1] }
	return waits{rank(50), rank(99), all[len(all)-1]}
}

// total sums up what one algorithm made of a trace, and counts the denials of each key.
func total(t trace.Trace, k subject.Kind, outcomes []Outcome) (totals Totals, denials map[string]int) {
	totals.Requests, denials = len(outcomes), map[string]int{}
	var delays, retries []time.Duration
	spans, others := spans{}, spans{}
	for i, outcome := range outcomes {
		arrival := t.Arrivals[i]
		switch {
		case outcome.OverLimit:
			totals.OverLimit++
			continue
		case !outcome.Allowed:
			totals.Denied++
			denials[arrival.Key]++
			retries = append(retries, outcome.RetryAfter)
			continue
		}
		totals.Admitted++
		if outcome.Delay > 0 {
			totals.Delayed++
			delays = append(delays, outcome.Delay)
		}
		events := weight(k, arrival)
		totals.Events += events
		left := arrival.At + outcome.Delay
		totals.MostInPeriod = max(totals.MostInPeriod, spans.of(arrival.Key).add(left, events, t.Limit.Period))
		if t.And.Rate > 0 {
			totals.MostInOther = max(totals.MostInOther, others.of(arrival.Key).add(left, events, t.And.Period))
		}
	}
	totals.Delay, totals.Retry = summed(delays), summed(retries)
	return totals, denials
}

// DeniedPart is how many percent of the requests were denied.
func (t Totals) DeniedPart() float64 { return 100 * float64(t.Denied) / float64(max(t.Requests, 1)) }

// spans has a span for each key.
type spans map[string]*span

func (s spans) of(key string) *span {
	if s[key] == nil {
		s[key] = &span{}
	}
	return s[key]
}

// A span is the events of one key that lie less than a period back.
type span struct {
	entries []spanEntry
	sum     int64
}

type spanEntry struct {
	at     time.Duration
	events int64
}

// add adds events at a time no earlier than any before, and returns how many there are in the period
// that ends with it; what lies exactly a period back is no more of it.
func (s *span) add(at time.Duration, events int64, period time.Duration) int64 {
	s.entries = append(s.entries, spanEntry{at, events})
	s.sum += events
	for s.entries[0].at <= at-period {
		s.sum -= s.entries[0].events
		s.entries = s.entries[1:]
	}
	return s.sum
}

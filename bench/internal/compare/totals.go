package compare

import (
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

	LongestDelay time.Duration // in the queue
	LongestRetry time.Duration // that a denied request was told
}

// total sums up what one algorithm made of a trace.
func total(t trace.Trace, k subject.Kind, outcomes []Outcome) Totals {
	totals := Totals{Requests: len(outcomes)}
	spans := map[string]*span{}
	for i, outcome := range outcomes {
		arrival := t.Arrivals[i]
		switch {
		case outcome.OverLimit:
			totals.OverLimit++
			continue
		case !outcome.Allowed:
			totals.Denied++
			totals.LongestRetry = max(totals.LongestRetry, outcome.RetryAfter)
			continue
		}
		totals.Admitted++
		if outcome.Delay > 0 {
			totals.Delayed++
			totals.LongestDelay = max(totals.LongestDelay, outcome.Delay)
		}
		events := weight(k, arrival)
		totals.Events += events
		if spans[arrival.Key] == nil {
			spans[arrival.Key] = &span{}
		}
		inSpan := spans[arrival.Key].add(arrival.At+outcome.Delay, events, t.Limit.Period)
		totals.MostInPeriod = max(totals.MostInPeriod, inSpan)
	}
	return totals
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

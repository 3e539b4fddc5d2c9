package compare

import (
	"slices"
	"time"

	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/trace"
)

// Totals sum up a run. Requests is the sum of Admitted, Denied and OverLimit.
type Totals struct {
	Requests     int
	Admitted     int   // let through, at once or from the queue
	Denied       int   // neither let through nor over the limit
	OverLimit    int   // cost more than the limit can ever admit
	Delayed      int   // the admitted ones that had to wait
	Events       int64 // the sum of the costs of the admitted; if the kind ignores costs, each counts 1
	MostInPeriod int64 // the largest number of events of one key that were let through within any period
	MostInOther  int64 // the same for the second limit's period; 0 without a second limit

	Delay waits // of the delayed requests, in the queue
	Retry waits // the RetryAfter of the denied requests
}

// waits sum up how long requests wait.
type waits struct{ P50, P99, Longest time.Duration }

// summed sums up waits. It also sorts them.
func summed(all []time.Duration) waits {
	if len(all) == 0 {
		return waits{}
	}
	slices.Sort(all)
	rank := func(percent int) time.Duration { return all[(len(all)*percent+99)/100-1] }
	return waits{rank(50), rank(99), all[len(all)-1]}
}

// total sums up an algorithm's outcomes for a trace, and counts the denials of each key.
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

// spans has a span for each key.
type spans map[string]*span

func (s spans) of(key string) *span {
	if s[key] == nil {
		s[key] = &span{}
	}
	return s[key]
}

// A span holds the events of one key that are less than a period old.
type span struct {
	entries []spanEntry
	sum     int64
}

type spanEntry struct {
	at     time.Duration
	events int64
}

// add adds events at a time that is not before any earlier one. It returns how many events there are in the period that ends
// at that time. Events that are exactly a period old are no longer counted.
func (s *span) add(at time.Duration, events int64, period time.Duration) int64 {
	s.entries = append(s.entries, spanEntry{at, events})
	s.sum += events
	for s.entries[0].at <= at-period {
		s.sum -= s.entries[0].events
		s.entries = s.entries[1:]
	}
	return s.sum
}

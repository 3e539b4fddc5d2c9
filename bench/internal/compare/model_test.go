package compare

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/trace"
)

// models implement the definitions of the algorithms directly. A model returns which of the arrivals of one key are
// admitted, and when each of them leaves. Models are for limits whose emission interval is a whole number of microseconds,
// and for costs that are not over the limit.
var models map[string]func(of trace.Trace, aligned bool, arrivals []trace.Arrival) []departure

func init() {
	type model = func(limit algorithms.Limit, aligned bool, arrivals []trace.Arrival) []departure
	models = map[string]func(of trace.Trace, aligned bool, arrivals []trace.Arrival) []departure{"allof": modelAllOf}
	for name, model := range map[string]model{
		"fixedwindow": modelFixedWindow,
		"slidinglog":  modelSlidingLog,
		"gcra":        modelBucket,
		"leakybucket": modelBucket,
		"queue":       modelQueue,
	} {
		models[name] = func(of trace.Trace, aligned bool, arrivals []trace.Arrival) []departure {
			return model(of.Limit, aligned, arrivals)
		}
	}
}

type departure struct {
	allowed bool
	at      time.Duration
}

// modelFixedWindow: a window begins at its first admitted request, or if aligned at a whole period. It lasts for a period
// and admits at most rate.
func modelFixedWindow(limit algorithms.Limit, aligned bool, arrivals []trace.Arrival) (left []departure) {
	begin, count := -limit.Period, int64(0)
	for _, a := range arrivals {
		if a.At >= begin+limit.Period {
			begin, count = a.At, 0
			if aligned {
				begin -= begin % limit.Period
			}
		}
		allowed := count+a.Cost <= limit.Rate
		if allowed {
			count += a.Cost
		}
		left = append(left, departure{allowed, a.At})
	}
	return left
}

// modelSlidingLog: the cost of a request, and the costs that were admitted in the period before it, are at most rate
// together.
func modelSlidingLog(limit algorithms.Limit, _ bool, arrivals []trace.Arrival) (left []departure) {
	for i, a := range arrivals {
		sum := a.Cost
		for j := range left {
			if left[j].allowed && arrivals[j].At > arrivals[i].At-limit.Period {
				sum += arrivals[j].Cost
			}
		}
		left = append(left, departure{sum <= limit.Rate, a.At})
	}
	return left
}

// modelBucket: a bucket of burst tokens is full at first, and gets a token each period/rate. A request takes as many tokens
// as it costs.
func modelBucket(limit algorithms.Limit, _ bool, arrivals []trace.Arrival) (left []departure) {
	// Tokens are counted in time: a token is an interval.
	interval := limit.Period / time.Duration(limit.Rate)
	full := interval * time.Duration(limit.BurstOrRate())
	tokens, last := full, time.Duration(0)
	for _, a := range arrivals {
		tokens, last = min(full, tokens+a.At-last), a.At
		cost := interval * time.Duration(a.Cost)
		allowed := cost <= tokens
		if allowed {
			tokens -= cost
		}
		left = append(left, departure{allowed, a.At})
	}
	return left
}

// modelQueue: each request leaves an interval after the one before it, or at once if it can. A request is denied if burst
// requests are waiting.
func modelQueue(limit algorithms.Limit, _ bool, arrivals []trace.Arrival) (left []departure) {
	interval := limit.Period / time.Duration(limit.Rate)
	var departures []time.Duration
	for _, a := range arrivals {
		at := a.At
		if n := len(departures); n > 0 {
			at = max(at, departures[n-1]+interval)
		}
		waiting := int64(0)
		for _, other := range slices.Backward(departures) {
			if other <= a.At {
				break
			}
			waiting++
		}
		allowed := at == a.At || waiting < limit.BurstOrRate()
		if allowed {
			departures = append(departures, at)
		}
		left = append(left, departure{allowed, at})
	}
	return left
}

// modelAllOf: a bucket and a window admit a request if both do, and otherwise neither charges it. The windows of allof are
// never aligned.
func modelAllOf(of trace.Trace, _ bool, arrivals []trace.Arrival) (left []departure) {
	var admitted []trace.Arrival
	for _, a := range arrivals {
		with := append(slices.Clone(admitted), a)
		bucket := modelBucket(of.Limit, false, with)
		window := modelFixedWindow(cmp.Or(of.And, of.Limit), false, with)
		allowed := bucket[len(admitted)].allowed && window[len(admitted)].allowed
		if allowed {
			admitted = with
		}
		left = append(left, departure{allowed, a.At})
	}
	return left
}

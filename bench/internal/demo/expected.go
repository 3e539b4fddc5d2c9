package demo

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A request is a request that was answered. Its times are since the drive began.
type request struct {
	sent, answered time.Duration
	status         int
}

func (r request) admitted() bool { return r.status == http.StatusOK }

// expected is how many of the requests an algorithm's definition admits.
type expected struct {
	low, high int
	allowed   []time.Duration // when the definition admits requests, with the longest times between decisions
}

// expect returns how many of the requests the limit admits by an algorithm's definition. The time of a decision is only
// known to be between the sending of the request and its answer. So the definition, which is the algorithm's Local, decides
// twice: once with the shortest possible time between the first decision and each other one, and once with the longest.
func expect(algorithm string, limit algorithms.Limit, requests []request) (e expected, err error) {
	if len(requests) == 0 {
		return e, nil
	}
	first, firstAnswered := requests[0].sent, requests[0].answered
	for _, r := range requests {
		first, firstAnswered = min(first, r.sent), min(firstAnswered, r.answered)
	}
	var least, most []time.Duration
	for _, r := range requests {
		least, most = append(least, max(r.sent, firstAnswered)), append(most, r.answered)
	}
	slices.Sort(most)
	most[0] = first
	fewest, err := replay(algorithm, limit, least)
	if err != nil {
		return e, err
	}
	if e.allowed, err = replay(algorithm, limit, most); err != nil {
		return e, err
	}
	e.low, e.high = min(len(fewest), len(e.allowed)), max(len(fewest), len(e.allowed))
	return e, nil
}

// replay returns when an algorithm admits requests that arrive at the given times.
func replay(algorithm string, limit algorithms.Limit, times []time.Duration) (admitted []time.Duration, err error) {
	now := time.UnixMicro(0)
	limiter, err := local(algorithm, limit, algorithms.WithClock(func() time.Time { return now }))
	if err != nil {
		return nil, err
	}
	slices.Sort(times)
	for _, at := range times {
		now = time.UnixMicro(1e15).Add(at)
		result, err := limiter.Allow(context.Background(), "")
		if err != nil {
			return nil, err
		}
		if result.Allowed {
			admitted = append(admitted, at)
		}
	}
	return admitted, nil
}

package demo

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A request is one that was answered, and when, since the drive began.
type request struct {
	sent, answered time.Duration
	status         int
}

func (r request) admitted() bool { return r.status == http.StatusOK }

// expected is the result of a definition for the requests.
type expected struct {
	low, high int
	allowed   []time.Duration // when those were admitted that make up high
}

// expect returns how many of the requests the limit admits by an algorithm's definition. When a request was
// decided on is known no better than that it was after it was sent and before it was answered. So the
// definition, which is the algorithm's Local, decides twice: once with the least time between the first
// decision and each other, and once with the most.
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

// replay returns when an algorithm admits requests that come at those times.
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

package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/go-weir/weir/bench/shared/round"
)

// load is one round, in which goroutines call one limiter.
type load struct {
	order          round.Order
	worker         int
	open, full     Allow
	keys, fullKeys []string

	due atomic.Int64 // the number of the next request, if requests have a rate or their number is fixed
}

// measure runs the goroutines and returns what they counted.
func (l *load) measure(wire *wire) round.Tally {
	callers := make([]*caller, l.order.Goroutines)
	for g := range callers {
		callers[g] = newCaller(l, g)
	}
	runtime.GC() // so that this round doesn't collect the garbage of the last one
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sent, received := wire.sent.Load(), wire.received.Load()

	began := time.Now()
	var all sync.WaitGroup
	for _, c := range callers {
		all.Go(func() { c.ask(began) })
	}
	all.Wait()
	took := time.Since(began)

	runtime.ReadMemStats(&after)
	tally := round.Tally{
		Took:    took,
		Mallocs: after.Mallocs - before.Mallocs, Malloced: after.TotalAlloc - before.TotalAlloc,
		Sent: wire.sent.Load() - sent, Received: wire.received.Load() - received,
	}
	latency := newHistogram()
	for _, c := range callers {
		tally.Add(c.Tally)
		latency.Merge(c.latency)
	}
	tally.Latency, _ = latency.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	return tally
}

// caller is one goroutine.
type caller struct {
	round.Tally // of this goroutine's calls
	load        *load
	random      *rand.Rand
	popular     *rand.Zipf
	latency     *hdrhistogram.Histogram
	traced      time.Time // the beginning of the last traced call
}

// traceGap is the shortest time between two denied calls that are traced. There may be millions of them, and the trace only has to
// show that calls were made all the time.
const traceGap = 20 * time.Microsecond

// newHistogram returns a histogram for latencies from a nanosecond to two minutes, with a precision of one percent.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(2*time.Minute), 2)
}

func newCaller(l *load, goroutine int) *caller {
	seed := uint64(l.worker)<<32 + uint64(goroutine)
	random := rand.New(rand.NewPCG(l.order.Seed, seed)) //nolint:gosec // must give the same numbers for the same seed
	c := &caller{load: l, random: random, latency: newHistogram()}
	if l.order.Keys.Zipf > 1 {
		c.popular = rand.NewZipf(c.random, l.order.Keys.Zipf, 1, uint64(len(l.keys)-1))
	}
	if l.order.Traced {
		c.Events = make([]round.Event, 0, 1<<12)
	}
	return c
}

// ask makes this goroutine's calls.
func (c *caller) ask(began time.Time) {
	order := &c.load.order
	if order.Rate > 0 {
		c.askWhenDue(began)
		return
	}
	now := began
	for order.Calls > 0 && c.load.due.Add(1) <= int64(order.Calls) || order.Calls == 0 && now.Sub(began) < order.For {
		now = c.call(now)
	}
}

// askWhenDue makes calls that are due at a constant rate. Any free goroutine makes the next one. The latency of a call includes the
// time that it waited because all goroutines were busy, but not the time by which this process woke up late.
func (c *caller) askWhenDue(began time.Time) {
	order := &c.load.order
	interval := float64(time.Second) / order.Rate
	for {
		at := time.Duration(float64(c.load.due.Add(1)-1) * interval)
		if at >= order.For {
			return
		}
		from := began.Add(at)
		if wait := time.Until(from); wait > 0 {
			time.Sleep(wait)
			from = time.Now()
		}
		c.call(from)
	}
}

// call makes one call and returns the time of its end. The latency is measured from the given time, which is not in the
// future.
func (c *caller) call(from time.Time) time.Time {
	l := c.load
	allow, keys, full := l.open, l.keys, false
	if l.order.Denied > 0 && c.random.Float64() < l.order.Denied {
		allow, keys, full = l.full, l.fullKeys, true
	}
	allowed, err := allow(context.Background(), c.pick(keys))
	ended := time.Now()
	_ = c.latency.RecordValue(min(int64(ended.Sub(from)), c.latency.HighestTrackableValue()))
	c.Calls++
	switch {
	case err != nil:
		if c.Failed++; c.FirstFailure == "" {
			c.FirstFailure = err.Error()
		}
	case allowed:
		if c.Admitted++; full {
			c.WronglyAdmitted++
		}
	default:
		if c.Denied++; !full {
			c.WronglyDenied++
		}
	}
	if l.order.Traced && (allowed || err != nil || from.Sub(c.traced) >= traceGap) {
		c.Events = append(c.Events, round.Event{Began: from.UnixNano(), Ended: ended.UnixNano(), Allowed: allowed, Failed: err != nil})
		c.traced = from
	}
	return ended
}

// pick chooses a key.
func (c *caller) pick(keys []string) string {
	switch {
	case len(keys) == 1:
		return keys[0]
	case c.popular != nil:
		return keys[c.popular.Uint64()]
	}
	return keys[c.random.IntN(len(keys))]
}

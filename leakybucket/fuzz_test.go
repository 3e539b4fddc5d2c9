package leakybucket_test

import (
	"context"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
)

func FuzzDecisions(f *testing.F) { algorithm.FuzzDecisions(f) }

func FuzzKey(f *testing.F) { algorithm.FuzzKey(f) }

func FuzzCalls(f *testing.F) { algorithm.FuzzCalls(f) }

// Steps of FuzzQueue. Every other number schedules a request.
const (
	reset = iota
	change
)

// FuzzQueue compares a Queue on an embedded server with a LocalQueue over any limit and any times,
// with Resets and changes of the limit, and checks that each Slot is possible.
func FuzzQueue(f *testing.F) {
	const schedule = 2
	now := algorithmtest.Start.UnixMicro()
	f.Add(algorithmtest.SeedOf(algorithms.PerSecond(7).WithBurst(2), schedule, now, schedule, now, schedule, now+142_857, schedule, now+142_858, schedule, now, reset, now, schedule, now))
	f.Add(algorithmtest.SeedOf(algorithms.Per(3, 7*time.Microsecond).WithBurst(2), schedule, 0, schedule, 1, schedule, 2, schedule, 3, schedule, 1, schedule, 40))
	f.Add(algorithmtest.SeedOf(algorithms.PerSecond(3), schedule, now, schedule, now, change, 7, 1_000_000, 2, schedule, now, schedule, now+1, change, 0, 0, 0, schedule, now-3_600_000_000))
	f.Add(algorithmtest.SeedOf(algorithms.Per(1<<51, 1<<51*time.Microsecond), schedule, 1<<52-1, schedule, 1<<52, schedule, -1, schedule, 0, schedule, 1<<52-1))
	f.Add(algorithmtest.SeedOf(algorithms.Per(1, 1<<51*time.Microsecond), schedule, 0, schedule, 1, schedule, 1<<51))
	server, conn := resptest.Miniredis(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		numbers := algorithmtest.Numbers(input)
		server.FlushAll()
		q := &queues{t: t, server: server, run: conn}
		if !q.make(numbers.Limit()) {
			return
		}
		q.reset()
		// As in FuzzCalls, there are too few requests for LocalQueue to forget states that are over.
		for steps := 0; steps < 20 && len(numbers) > 0; steps++ {
			switch numbers.Next() {
			case reset:
				q.reset()
			case change:
				q.change(numbers.Limit())
			default:
				at := numbers.Next()
				slot := q.schedule(at)
				if retry := slot.RetryAfter.Microseconds(); retry > 0 && at+retry < 1<<52 {
					early, on := q.schedule(at+retry-1), q.schedule(at+retry)
					if early.RetryAfter != time.Microsecond || !on.Accepted {
						t.Fatalf("%v: refused until %d µs, is a microsecond sooner %+v, and then %+v", q.limit, at+retry, early, on)
					}
				}
			}
		}
	})
}

// queues has a Queue and a LocalQueue of the same limit on the same clock.
type queues struct {
	t          *testing.T
	server     *miniredis.Miniredis
	run        scripts.Runner
	limit      algorithms.Limit
	over       *leakybucket.Queue
	local      *leakybucket.LocalQueue
	now        int64      // what the clock shows, µs
	made       []resetter // all queues, for each limit so far
	departures []int64    // µs, since the key was new, the limit changed or the clock went back
}

type resetter interface {
	Reset(ctx context.Context, key string) error
}

// make makes both queues, and reports whether the limit is valid.
func (q *queues) make(limit algorithms.Limit) bool {
	clock := algorithms.WithClock(func() time.Time { return time.UnixMicro(q.now) })
	over, err := leakybucket.NewQueue(q.run, limit, clock)
	local, localErr := leakybucket.NewLocalQueue(limit, clock)
	return q.take(limit, over, local, err, localErr)
}

func (q *queues) change(limit algorithms.Limit) {
	over, err := q.over.With(limit)
	local, localErr := q.local.With(limit)
	q.take(limit, over, local, err, localErr)
}

// take stores both queues, unless both refuse the limit.
func (q *queues) take(limit algorithms.Limit, over *leakybucket.Queue, local *leakybucket.LocalQueue, err, localErr error) bool {
	q.t.Helper()
	if want := limit.Validate(); (err == nil) != (want == nil) || (localErr == nil) != (want == nil) {
		q.t.Fatalf("%+v: the Queue's error is %v, LocalQueue's %v, Validate's %v", limit, err, localErr, want)
	}
	if err != nil {
		return false
	}
	q.limit, q.over, q.local, q.departures = limit, over, local, nil
	q.made = append(q.made, over, local)
	return true
}

func (q *queues) reset() {
	q.t.Helper()
	for _, made := range q.made {
		if err := made.Reset(context.Background(), "k"); err != nil {
			q.t.Fatal(err)
		}
	}
	if keys := q.server.Keys(); len(keys) > 0 {
		q.t.Fatalf("stored after Reset: %q", keys)
	}
	q.departures = nil
}

// schedule asks both queues at the time at and compares their answers. For an invalid time both must return an error and the
// zero Slot.
func (q *queues) schedule(at int64) leakybucket.Slot {
	q.t.Helper()
	before, last := q.server.Dump(), q.now
	q.now = at
	slot, err := q.over.Schedule(context.Background(), "k")
	local, localErr := q.local.Schedule(context.Background(), "k")
	var want error
	if at < 0 || at >= 1<<52 {
		want = algorithms.ErrInvalidTime
	}
	if slot != local || !errors.Is(err, want) || !errors.Is(localErr, want) {
		q.t.Fatalf("%v at %d µs: %+v, %v, LocalQueue says %+v, %v, want the error %v", q.limit, at, slot, err, local, localErr, want)
	}
	if want != nil {
		if after := q.server.Dump(); after != before {
			q.t.Fatalf("%v at %d µs: %v has changed %s to %s", q.limit, at, err, before, after)
		}
		q.now = last
		return slot
	}
	if at < last {
		q.departures = nil // departures that were too far ahead have been corrected
	}
	q.keeps(slot)
	return slot
}

// keeps fails the test if the queue can't give this slot.
func (q *queues) keeps(slot leakybucket.Slot) {
	q.t.Helper()
	burst, delay := q.limit.BurstOrRate(), slot.Delay.Microseconds()
	switch {
	case slot.Queued < 0 || slot.Queued > burst || delay < 0 || slot.RetryAfter < 0 || slot.Accepted != (slot.RetryAfter == 0):
		q.t.Fatalf("%v at %d µs: %+v", q.limit, q.now, slot)
	case slot.Accepted && q.compare(delay-1, burst) >= 0: // Delay is rounded up
		q.t.Fatalf("%v at %d µs: %+v, which is longer than a full queue", q.limit, q.now, slot)
	case !slot.Accepted:
		return
	}
	departure := q.now + delay
	for i, earlier := range q.departures {
		if q.compare(departure-earlier+1, int64(len(q.departures)-i)) <= 0 {
			q.t.Fatalf("%v at %d µs: %+v leaves at %d µs, too close after %v", q.limit, q.now, slot, departure, q.departures)
		}
	}
	q.departures = append(q.departures, departure)
}

// compare compares a number of microseconds with n emission intervals.
func (q *queues) compare(us, n int64) int {
	return product(us, q.limit.Rate).Cmp(product(n, q.limit.Period.Microseconds()))
}

func product(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }

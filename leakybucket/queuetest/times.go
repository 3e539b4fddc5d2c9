package queuetest

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/leakybucket"
)

// testRandomTraces sends random requests at random times to the queue and to the reference, on one
// clock, with clocks that go back and changes of the limit.
func testRandomTraces(t *testing.T, s Subject) {
	for i := range 20 {
		random := rand.New(rand.NewPCG(0x7175657565, uint64(i)))
		limit := limits[random.IntN(len(limits))]
		q := newSubject(t, s, limit)
		inProcess, err := Reference.New(limit, algorithms.WithClock(q.Now))
		if err != nil {
			t.Fatal(err)
		}
		reference := &subject{inProcess, q.Clock, t, ""}
		for request := range 100 {
			interval := max(int64(limit.Period)/limit.Rate, 1000)
			switch random.IntN(12) {
			case 0:
				q.Advance(-time.Duration(random.Int64N(2 * int64(limit.Period))))
			case 1:
				q.Advance(2 * limit.Period)
			case 2, 3, 4, 5:
			default:
				q.Advance(time.Duration(random.Int64N(2 * interval)))
			}
			if random.IntN(25) == 0 {
				limit = limits[random.IntN(len(limits))].WithBurst(1 + random.Int64N(8))
				if q.Queue, err = s.With(q.Queue, limit); err != nil {
					t.Fatal(err)
				}
				if reference.Queue, err = Reference.With(reference.Queue, limit); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := q.schedule("k"), reference.schedule("k"); got != want {
				t.Fatalf("trace %d, request %d, %v: %+v, the reference says %+v", i, request, limit, got, want)
			}
		}
	}
}

// longest returns the longest time that a limit can make a request wait, and the emission interval.
func longest(limit algorithms.Limit) (wait, interval time.Duration) {
	interval = time.Duration(float64(limit.Period)/float64(limit.Rate)) + time.Microsecond
	return interval * time.Duration(limit.BurstOrRate()), interval
}

// testClockBack sets the clock back while the queue is full: it stays full, but no request is refused for longer than until
// the next departure, or waits longer than in a full queue.
func testClockBack(t *testing.T, s Subject) {
	for _, limit := range limits {
		q := newSubject(t, s, limit)
		q.fill()
		q.Advance(-time.Hour)
		most, interval := longest(limit)
		slot := q.schedule("k")
		if slot.RetryAfter > interval || slot.Delay > most+interval {
			t.Errorf("%v, an hour back: %+v, want at most %v and %v", limit, slot, interval, most)
		}
		q.Advance(slot.RetryAfter)
		if then := q.schedule("k"); !then.Accepted || then.Delay > most {
			t.Errorf("%v, an hour back and after the wait: %+v, want it accepted", limit, then)
		}
	}
}

// testLimitChanges changes the limit of a full queue.
func testLimitChanges(t *testing.T, s Subject) {
	for _, from := range limits {
		for _, to := range limits {
			q := newSubject(t, s, from)
			q.fill()
			changed, err := s.With(q.Queue, to)
			if err != nil {
				t.Fatal(err)
			}
			q.Queue = changed
			most, interval := longest(to)
			slot := q.schedule("k")
			if slot.RetryAfter > interval || slot.Delay > most+interval {
				t.Errorf("%v changed to %v: %+v, want at most %v and %v", from, to, slot, interval, most)
			}
			q.Advance(slot.RetryAfter)
			if then := q.schedule("k"); !slot.Accepted && !then.Accepted {
				t.Errorf("%v changed to %v: %+v after the wait, want it accepted", from, to, then)
			}
		}
	}
	if q, err := s.With(newSubject(t, s, limits[0]).Queue, algorithms.Limit{}); !errors.Is(err, algorithms.ErrInvalidLimit) {
		t.Errorf("changed to the zero Limit: %v, %v, want ErrInvalidLimit", q, err)
	}
}

// testWait waits for less than a millisecond. It also tests each way in which Wait gives up, and the state of the
// queue after it.
func testWait(t *testing.T, s Subject) {
	ctx := context.Background()
	quick := newSubject(t, s, algorithms.PerSecond(10_000))
	for range 4 {
		if err := quick.Wait(ctx, "k"); err != nil {
			t.Errorf("Wait: %v", err)
		}
	}

	q := newSubject(t, s, algorithms.PerHour(1).WithBurst(2))
	if err := q.Wait(ctx, "k"); err != nil {
		t.Errorf("Wait for an empty queue: %v", err)
	}
	soon, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for range 3 {
		if err := q.Wait(soon, "k"); !errors.Is(err, context.DeadlineExceeded) || soon.Err() != nil {
			t.Errorf("Wait of an hour in a context of a minute: %v (context: %v), want DeadlineExceeded at once", err, soon.Err())
		}
	}
	if slot := q.schedule("k"); slot != (leakybucket.Slot{Accepted: true, Delay: time.Hour, Queued: 1}) {
		t.Errorf("after Waits that gave up at once %+v, want the first place in the queue", slot)
	}

	last := q.wait(ctx, 1, 0)
	if err := q.Wait(ctx, "k"); !errors.Is(err, leakybucket.ErrQueueFull) {
		t.Errorf("Wait for a full queue: %v, want ErrQueueFull", err)
	}
	long, cancelLong := context.WithTimeout(ctx, 1000*time.Hour)
	defer cancelLong()
	if err := q.Wait(long, "k"); !errors.Is(err, leakybucket.ErrQueueFull) {
		t.Errorf("Wait for a full queue with time enough: %v, want ErrQueueFull", err)
	}
	last.cancel()
}

// A waiting is a Wait that has its places.
type waiting struct {
	t      testing.TB
	end    context.CancelFunc
	gaveUp chan error
}

// wait begins a Wait for n places of the key "k", after which left of them are free. It returns when they are taken.
func (s *subject) wait(ctx context.Context, n, left int64) waiting {
	ctx, end := context.WithCancel(ctx)
	w := waiting{s.t, end, make(chan error)}
	go func() { w.gaveUp <- s.WaitN(ctx, "k", n) }()
	soon, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for !errors.Is(s.WaitN(soon, "k", left+1), leakybucket.ErrQueueFull) { // which takes no place
		runtime.Gosched()
	}
	return w
}

// cancel cancels the Wait. It reports whether the Wait has returned within a quarter of a second. If not, it may have had no time
// to give its places back.
func (w waiting) cancel() bool {
	w.t.Helper()
	began := time.Now()
	w.end()
	if err := <-w.gaveUp; !errors.Is(err, context.Canceled) {
		w.t.Errorf("Wait canceled: %v, want context.Canceled", err)
	}
	return time.Since(began) < time.Second/4
}

// testGivesBack cancels two Waits in each order. A place is free again if no later one was taken, and no departure is
// given twice.
func testGivesBack(t *testing.T, s Subject) {
	hourly := algorithms.PerHour(1).WithBurst(2)
	parts := algorithms.Per(7, 24*time.Hour).WithBurst(2)
	for _, limit := range []algorithms.Limit{hourly, parts} {
		for _, lastFirst := range []bool{true, false} {
			var q *subject
			for inTime := false; !inTime; {
				q = newSubject(t, s, limit)
				q.schedule("k")
				order := []waiting{q.wait(context.Background(), 1, 1), q.wait(context.Background(), 1, 0)}
				if lastFirst {
					slices.Reverse(order)
				}
				inTime = order[0].cancel()
				if !lastFirst && q.schedule("k").Accepted {
					t.Errorf("%v: a place is free although a later one was taken", limit)
				}
				inTime = order[1].cancel() && inTime
			}
			free := int64(2) // only the last place was given back
			if lastFirst {
				free = 1
			}
			delay := time.Duration((free*limit.Period.Microseconds()+limit.Rate-1)/limit.Rate) * time.Microsecond
			if slot := q.schedule("k"); slot != (leakybucket.Slot{Accepted: true, Delay: delay, Queued: free}) {
				t.Errorf("%v, two Waits canceled, the last first: %v: %+v, want a delay of %v", limit, lastFirst, slot, delay)
			}
		}
	}
}

// testMany takes several places at once. They are the places that as many single requests would have taken.
func testMany(t *testing.T, s Subject) {
	for _, limit := range limits {
		for n := int64(1); n <= min(limit.BurstOrRate()+1, 5); n++ {
			q, one := newSubject(t, s, limit), newSubject(t, s, limit)
			for range 4 {
				takeMany(t, q, one, limit, n)
				step := time.Duration(int64(limit.Period)/limit.Rate) * 3 / 2
				q.Advance(step)
				one.Advance(step)
			}
		}
	}
}

// takeMany takes n places of q at once, and n of one by as many requests. The last places must be the same.
func takeMany(t *testing.T, q, one *subject, limit algorithms.Limit, n int64) {
	t.Helper()
	got, err := q.ScheduleN(context.Background(), "k", n)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Accepted {
		q.Advance(got.RetryAfter)
		one.Advance(got.RetryAfter)
		if got, err = q.ScheduleN(context.Background(), "k", n); err != nil || !got.Accepted {
			t.Fatalf("%v: ScheduleN of %d after RetryAfter: %+v, %v, want it accepted", limit, n, got, err)
		}
	}
	var want leakybucket.Slot
	for range n {
		want = one.schedule("k")
	}
	if got != want {
		t.Errorf("%v: ScheduleN of %d: %+v, want the slot of the last of %d requests, %+v", limit, n, got, n, want)
	}
}

func testWrongMany(t *testing.T, s Subject) {
	ctx := context.Background()
	for _, limit := range limits {
		q := newSubject(t, s, limit)
		for n, want := range map[int64]error{
			0: algorithms.ErrInvalidCost, -1: algorithms.ErrInvalidCost, math.MinInt64: algorithms.ErrInvalidCost,
			limit.BurstOrRate() + 2: algorithms.ErrCostExceedsLimit, math.MaxInt64: algorithms.ErrCostExceedsLimit,
		} {
			slot, err := q.ScheduleN(ctx, "k", n)
			if waited := q.WaitN(ctx, "k", n); !errors.Is(err, want) || !errors.Is(waited, want) {
				t.Errorf("%v: ScheduleN of %d: %+v, %v, and WaitN: %v, want the error %v of both", limit, n, slot, err, waited, want)
			}
		}
		if slot := q.schedule("k"); slot.Delay != 0 {
			t.Errorf("%v: after requests for wrong numbers of places: %+v, want no delay", limit, slot)
		}
	}
}

// testWaitMany waits for the third departure, which is two hours away.
func testWaitMany(t *testing.T, s Subject) {
	limit := algorithms.PerHour(1).WithBurst(5)
	q := newSubject(t, s, limit)
	for _, patience := range []time.Duration{time.Hour, 2 * time.Hour} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := q.WaitN(ctx, "k", 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitN for the third departure in a context of %v: %v, want DeadlineExceeded", patience, err)
		}
		cancel()
	}
	if slot := q.schedule("k"); slot.Delay != 0 {
		t.Errorf("after calls of WaitN that gave up at once: %+v, want no delay", slot)
	}
	long, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	for inTime := false; !inTime; {
		q = newSubject(t, s, limit)
		inTime = q.wait(long, 3, 3).cancel()
	}
	if slot := q.schedule("k"); slot.Delay != 0 {
		t.Errorf("after a WaitN that was canceled: %+v, want no delay", slot)
	}
}

// Package queuetest is the conformance suite of the leaky bucket's queue, as limitertest is that of
// limiters. It runs over Queue on every client and server, and over LocalQueue.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/leakybucket"
)

// A Queue is the interface of the queues that are tested.
type Queue interface {
	Schedule(ctx context.Context, key string) (leakybucket.Slot, error)
	ScheduleN(ctx context.Context, key string, n int64) (leakybucket.Slot, error)
	Wait(ctx context.Context, key string) error
	WaitN(ctx context.Context, key string, n int64) error
	Reset(ctx context.Context, key string) error
}

// A Factory makes a queue. It passes the limit and the options on to the queue's constructor.
type Factory func(limit algorithms.Limit, opts ...algorithms.Option) (Queue, error)

// A Change returns a queue of the same keys with another limit: it calls With of q.
type Change func(q Queue, limit algorithms.Limit) (Queue, error)

// A Subject is the queue that the suite runs over, with its helpers. Only New and With are required.
type Subject struct {
	New   Factory
	With  Change
	Store limitertest.Store // to check what is written; may be nil
}

// Reference is the queue that each random trace is compared with.
var Reference = Subject{
	New: func(limit algorithms.Limit, opts ...algorithms.Option) (Queue, error) {
		own := make([]algorithms.LocalOption, len(opts))
		for i, opt := range opts {
			own[i] = opt
		}
		return leakybucket.NewLocalQueue(limit, own...)
	},
	With: func(q Queue, limit algorithms.Limit) (Queue, error) { return q.(*leakybucket.LocalQueue).With(limit) },
}

// Run runs the suite, with a subtest for each promise.
func Run(t *testing.T, s Subject) {
	t.Helper()
	for _, promise := range []struct {
		name string
		test func(*testing.T, Subject)
	}{
		{"DepartsEachInterval", testDepartsEachInterval},
		{"RetryAfterIsExact", testRetryAfterIsExact},
		{"RefusalsWriteNothing", testRefusalsWriteNothing},
		{"RandomTraces", testRandomTraces},
		{"ClockBack", testClockBack},
		{"LimitChanges", testLimitChanges},
		{"Keys", testKeys},
		{"Wait", testWait},
		{"GivesBack", testGivesBack},
		{"Many", testMany},
		{"WrongMany", testWrongMany},
		{"WaitMany", testWaitMany},
		{"Wrong", testWrong},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, s) })
	}
}

var limits = []algorithms.Limit{
	algorithms.PerSecond(10),
	algorithms.PerSecond(1).WithBurst(3),
	algorithms.PerSecond(7).WithBurst(20),
	algorithms.PerSecond(300_000).WithBurst(40),
	algorithms.PerSecond(3_000_000).WithBurst(9),
	algorithms.PerDay(999_983).WithBurst(5),
	algorithms.PerHour(1),
}

var prefixes atomic.Int64

// subject is a queue with its clock, and with keys that no other queue uses.
type subject struct {
	Queue
	*limitertest.Clock
	t      testing.TB
	prefix string
}

func newSubject(t testing.TB, s Subject, limit algorithms.Limit) *subject {
	t.Helper()
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_123_457))
	prefix := fmt.Sprintf("queuetest-%d-%d", time.Now().UnixNano(), prefixes.Add(1))
	q, err := s.New(limit, algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix))
	if err != nil {
		t.Fatalf("new queue of %v: %v", limit, err)
	}
	return &subject{q, clock, t, prefix}
}

func (s *subject) schedule(key string) leakybucket.Slot {
	s.t.Helper()
	slot, err := s.Schedule(context.Background(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	return slot
}

// fill takes places for "k" until it is refused, and returns the refusal.
func (s *subject) fill() leakybucket.Slot {
	s.t.Helper()
	for range 1000 {
		if slot := s.schedule("k"); !slot.Accepted {
			return slot
		}
	}
	s.t.Fatal("1000 accepted at one moment")
	return leakybucket.Slot{}
}

// testDepartsEachInterval fills a queue at one moment, and again after some requests have left. Departures are an emission
// interval apart, rounded up to a microsecond without drift. One request leaves at once, and a burst waits.
func testDepartsEachInterval(t *testing.T, s Subject) {
	for _, limit := range limits {
		q := newSubject(t, s, limit)
		period, began := limit.Period.Microseconds(), q.Now()
		departure := int64(0)
		for round := range 3 {
			for range 1000 {
				slot := q.schedule("k")
				at := q.Now().Add(slot.Delay).Sub(began).Microseconds()
				if want := (departure*period + limit.Rate - 1) / limit.Rate; slot.Accepted && at != want {
					t.Fatalf("%v: departure %d at %d µs, want %d", limit, departure, at, want)
				}
				if !slot.Accepted {
					if slot.Queued != limit.BurstOrRate() {
						t.Errorf("%v: refused with %d queued, want %d", limit, slot.Queued, limit.BurstOrRate())
					}
					break
				}
				if round == 0 && slot.Queued != departure {
					t.Errorf("%v: %d queued after %d requests at one moment, want %d", limit, slot.Queued, departure+1, departure)
				}
				departure++
			}
			if round == 0 && departure != limit.BurstOrRate()+1 {
				t.Errorf("%v: %d accepted at one moment, want one and a burst of %d", limit, departure, limit.BurstOrRate())
			}
			q.Advance(limit.Period / 3)
			// If the next departure is in the past, the schedule starts again.
			if past := q.Now().Sub(began).Microseconds(); departure*period/limit.Rate < past {
				began, departure = q.Now(), 0
			}
		}
	}
}

func testRetryAfterIsExact(t *testing.T, s Subject) {
	for _, limit := range limits {
		q := newSubject(t, s, limit)
		for range 4 {
			slot := q.fill()
			q.Advance(slot.RetryAfter - time.Microsecond)
			if early := q.schedule("k"); early.Accepted || early.RetryAfter != time.Microsecond {
				t.Errorf("%v: refused with RetryAfter %v, 1µs before it %+v", limit, slot.RetryAfter, early)
			}
			q.Advance(time.Microsecond)
			if on := q.schedule("k"); !on.Accepted || on.RetryAfter != 0 {
				t.Errorf("%v: refused with RetryAfter %v, after it %+v", limit, slot.RetryAfter, on)
			}
		}
	}
}

func testRefusalsWriteNothing(t *testing.T, s Subject) {
	if s.Store == nil {
		return
	}
	for _, limit := range limits {
		q := newSubject(t, s, limit)
		q.fill()
		before, err := s.Store.Dump(context.Background(), q.prefix)
		if err != nil || len(before) != 1 {
			t.Fatalf("%v: %d keys stored, %v", limit, len(before), err)
		}
		for range 10 {
			q.schedule("k")
		}
		if after, err := s.Store.Dump(context.Background(), q.prefix); err != nil || !maps.Equal(before, after) {
			t.Errorf("%v: refusals have changed %q to %q, %v", limit, before, after, err)
		}
		for key := range before {
			if ttl, err := s.Store.TTL(context.Background(), key); err != nil || ttl < time.Minute {
				t.Errorf("%v: %q has a TTL of %v, %v", limit, key, ttl, err)
			}
		}
	}
}

func testKeys(t *testing.T, s Subject) {
	q := newSubject(t, s, algorithms.PerHour(1))
	for _, key := range []string{"", "k", "}x", "{}", "a{b}c", "\x00", "\xff"} {
		if slot := q.schedule(key); slot != (leakybucket.Slot{Accepted: true}) {
			t.Errorf("first of the key %q: %+v", key, slot)
		}
		if slot := q.schedule(key); slot != (leakybucket.Slot{Accepted: true, Delay: time.Hour, Queued: 1}) {
			t.Errorf("second of the key %q: %+v", key, slot)
		}
		if err := q.Reset(context.Background(), key); err != nil {
			t.Error(err)
		}
		if slot := q.schedule(key); slot != (leakybucket.Slot{Accepted: true}) {
			t.Errorf("the key %q after Reset: %+v", key, slot)
		}
	}
}

func testWrong(t *testing.T, s Subject) {
	for _, limit := range []algorithms.Limit{{}, algorithms.PerSecond(-1), algorithms.Per(1, 0), algorithms.PerDay(1).WithBurst(1 << 40)} {
		if q, err := s.New(limit); !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("%+v: queue %v, error %v, want ErrInvalidLimit", limit, q, err)
		}
	}
	if q, err := s.New(limits[0], algorithms.WithName("}")); !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("a brace in the name: queue %v, error %v, want ErrInvalidOption", q, err)
	}
	q := newSubject(t, s, algorithms.PerHour(1))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, schedule := q.Schedule(ended, "k")
	for name, err := range map[string]error{"Schedule": schedule, "Wait": q.Wait(ended, "k"), "Reset": q.Reset(ended, "k")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: %v, want context.Canceled", name, err)
		}
	}
	if slot := q.schedule("k"); slot.Delay != 0 {
		t.Errorf("after calls with an ended context %+v, want no wait", slot)
	}
	early, err := s.New(limits[0], algorithms.WithClock(func() time.Time { return time.Time{} }))
	if err != nil {
		t.Fatal(err)
	}
	if slot, err := early.Schedule(context.Background(), "k"); !errors.Is(err, algorithms.ErrInvalidTime) {
		t.Errorf("in the year 1: %+v, %v, want ErrInvalidTime", slot, err)
	}
}

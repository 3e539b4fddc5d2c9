package limitertest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

func testFirstDecision(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerSecond(10))
	r := l.ask("k", 1)
	if !r.Allowed || r.Limit != 10 || r.Remaining != 9 || r.RetryAfter != 0 || r.ResetAfter <= 0 {
		t.Errorf("first of 10/s: %+v, want it allowed with 9 of 10 remaining", r)
	}
}

func testAdmitsItsLimitAtOnce(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
		if limit.BurstOrRate() > 1000 {
			continue
		}
		l := s.subject(t, limit)
		capacity := l.peek("k").Limit
		if admitted, _ := l.fill("k"); admitted != capacity {
			t.Errorf("%v: %d admitted at one moment, want %d", limit, admitted, capacity)
		}
		if r := l.ask("k", 1); r.Allowed || r.Remaining != 0 || r.RetryAfter <= 0 {
			t.Errorf("%v: one more is %+v, want it denied with 0 remaining and a wait", limit, r)
		}
		if whole := l.ask("whole", capacity); !whole.Allowed || whole.Remaining != 0 {
			t.Errorf("%v: the whole limit in one request is %+v, want it allowed with 0 remaining", limit, whole)
		}
	}
}

func testRetryAfterIsExact(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
		l := s.subject(t, limit)
		capacity := l.peek("k").Limit
		for _, n := range []int64{1, 2, capacity/2 + 1, capacity} {
			if n > capacity {
				continue
			}
			// Fill the key in several steps of time, so that there are several times to wait for.
			for range 3 {
				l.ask("k", max(capacity/3, 1))
				l.Advance(1 * time.Microsecond)
			}
			for range 5 {
				r := l.ask("k", n)
				if r.Allowed {
					continue
				}
				l.Advance(r.RetryAfter - time.Microsecond)
				early := l.ask("k", n)
				if early.Allowed || early.RetryAfter != time.Microsecond {
					t.Errorf("%v: cost %d denied with RetryAfter %v, 1µs before it %+v; want it denied with 1µs to wait", limit, n, r.RetryAfter, early)
				}
				l.Advance(time.Microsecond)
				if on := l.ask("k", n); !on.Allowed || on.RetryAfter != 0 {
					t.Errorf("%v: cost %d denied with RetryAfter %v, after it %+v; want it allowed", limit, n, r.RetryAfter, on)
				}
			}
		}
	}
}

func testResetAfterIsExact(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
		l := s.subject(t, limit)
		capacity := l.peek("k").Limit
		for _, n := range []int64{1, capacity} {
			r := l.ask("k", n)
			l.Advance(r.ResetAfter - time.Microsecond)
			if early := l.peek("k"); early == l.peek("new") && limit.Period > time.Millisecond {
				t.Errorf("%v: as new 1µs before the reset after %v", limit, r.ResetAfter)
			}
			l.Advance(time.Microsecond)
			if now, fresh := l.peek("k"), l.peek("new"); now != fresh {
				t.Errorf("%v: %+v after the reset, want %+v as for a new key", limit, now, fresh)
			}
		}
	}
}

func testAllOrNothing(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerMinute(10))
	l.ask("k", 7)
	if r := l.ask("k", 4); r.Allowed || r.Remaining != 3 {
		t.Errorf("4 of the 3 that remain: %+v, want them denied and 3 remaining", r)
	}
	if r := l.ask("k", 3); !r.Allowed || r.Remaining != 0 {
		t.Errorf("3 of the 3 that remain: %+v, want them allowed and 0 remaining", r)
	}
}

// testPeekTellsTheStanding compares each Peek with the request that follows it at the same moment.
func testPeekTellsTheStanding(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
		l := s.subject(t, limit)
		capacity := l.peek("k").Limit
		if fresh, want := l.peek("k"), (algorithms.Result{Allowed: true, Limit: capacity, Remaining: capacity}); fresh != want {
			t.Errorf("%v: a new key's standing is %+v, want %+v", limit, fresh, want)
		}
		for i := range 12 {
			for _, n := range []int64{1, max(capacity/4, 1), capacity} {
				before := s.dump(t, l)
				peeked := l.peekN("k", n)
				if again := l.peekN("k", n); again != peeked {
					t.Fatalf("%v: a second PeekN of %d is %+v, the first was %+v", limit, n, again, peeked)
				}
				if one := l.peek("k"); one.Remaining != peeked.Remaining || one.ResetAfter != peeked.ResetAfter {
					t.Fatalf("%v: by Peek the standing is %+v, by PeekN of %d %+v", limit, one, n, peeked)
				}
				s.sameDump(t, l, before, "PeekN")
				asked := l.ask("k", n)
				if s.repeats && !asked.Allowed && !peeked.Allowed {
					continue
				}
				if asked.Allowed != peeked.Allowed || asked.RetryAfter != peeked.RetryAfter || asked.Limit != peeked.Limit {
					t.Fatalf("%v: PeekN of %d said %+v, AllowN %+v", limit, n, peeked, asked)
				}
				want := peeked.Remaining
				if asked.Allowed {
					want -= n
				} else if asked.ResetAfter != peeked.ResetAfter {
					t.Fatalf("%v: PeekN of %d said %+v, the denial %+v", limit, n, peeked, asked)
				}
				if asked.Remaining != want {
					t.Fatalf("%v: PeekN of %d said %+v, and %d remain after it", limit, n, peeked, asked.Remaining)
				}
			}
			if i%4 == 3 {
				l.Advance(limit.Period / 5)
			}
		}
	}
}

func testDenialsCostNothing(t *testing.T, s *suite) {
	for _, limit := range s.limits() {
		l := s.subject(t, limit)
		capacity := l.peek("k").Limit
		l.ask("k", capacity)
		before := s.dump(t, l)
		first := l.ask("k", 1)
		for i := range 20 {
			if r := l.ask("k", capacity); r.Allowed {
				t.Fatalf("%v: %d more admitted: %+v", limit, capacity, r)
			}
			if r := l.ask("k", 1); r != first {
				t.Fatalf("%v: after %d denials %+v, the first was %+v", limit, 2*i, r, first)
			}
		}
		s.sameDump(t, l, before, "a denial")
		l.Advance(first.RetryAfter)
		if r := l.ask("k", 1); !r.Allowed {
			t.Errorf("%v: after denials and the wait of %v it is %+v, want it allowed", limit, first.RetryAfter, r)
		}
	}
}

func testReset(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerHour(3))
	fresh := l.peek("k")
	l.fill("k")
	l.fill("other")
	if err := l.Reset(context.Background(), "k"); err != nil {
		t.Fatal(err)
	}
	if r := l.peek("k"); r != fresh {
		t.Errorf("after Reset %+v, want %+v as for a new key", r, fresh)
	}
	if r := l.peek("other"); r.Allowed {
		t.Errorf("Reset of one key let another pass: %+v", r)
	}
	if err := l.Reset(context.Background(), "never seen"); err != nil {
		t.Errorf("Reset of a key never seen: %v", err)
	}
}

// testConcurrent: many goroutines ask at one moment. Together they are admitted exactly the limit.
func testConcurrent(t *testing.T, s *suite) {
	const goroutines, each = 32, 40
	l := s.subject(t, algorithms.PerHour(100))
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range each {
				r, err := l.Allow(context.Background(), "k")
				if err != nil {
					t.Error(err)
					return
				}
				if r.Allowed {
					admitted.Add(1)
				}
			}
		}()
	}
	wg.Wait()
	if n := admitted.Load(); n != 100 {
		t.Errorf("%d of %d admitted at one moment, want 100", n, goroutines*each)
	}
}

// testServerClock tests the limiter without WithClock, on the clock that users have.
func testServerClock(t *testing.T, s *suite) {
	hour := func() int64 { return time.Now().Unix() / 3600 }
	var results []algorithms.Result
	for began := int64(-1); began != hour(); { // again if an hour has ended, as a window may have ended with it
		began = hour()
		l := s.subject(t, algorithms.PerHour(2), algorithms.WithClock(nil))
		results = []algorithms.Result{l.ask("k", 1), l.ask("k", 1), l.peek("k"), l.ask("k", 1)}
		if err := l.Reset(context.Background(), "k"); err != nil {
			t.Error(err)
		}
		results = append(results, l.ask("k", 2))
	}
	for i, r := range results[:2] {
		if left := int64(1 - i); !r.Allowed || r.ResetAfter <= 0 || r.Remaining != left {
			t.Errorf("request %d of 2/hour: %+v, want it allowed with %d remaining", i+1, r, left)
		}
	}
	for _, r := range results[2:4] { // by Peek and by Allow
		if r.Allowed || r.Remaining != 0 || r.RetryAfter <= 0 || r.RetryAfter > time.Hour || r.ResetAfter < r.RetryAfter {
			t.Errorf("third of 2/hour: %+v, want it denied with up to an hour to wait", r)
		}
	}
	if r := results[4]; !r.Allowed || r.Remaining != 0 {
		t.Errorf("two after Reset: %+v, want them allowed with 0 remaining", r)
	}
}

package inflighttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
)

// testMost: at most as many leases are held as the limiter allows. A lease that was given back, or has ended, is free.
func testMost(t *testing.T, s Subject) {
	const ttl = 10 * time.Second
	p := s.pair(t, 3, ttl)
	p.want("a new key", p.peek("k"), result(true, 3, 3, 0, 0))
	for i := range int64(3) {
		p.want("a free lease", p.acquire("k", fmt.Sprint(i)), result(true, 3, 2-i, 0, ttl))
		p.Advance(time.Second)
	}
	p.want("none is free", p.peek("k"), result(false, 3, 0, 7*time.Second, 9*time.Second))
	p.want("none is free", p.acquire("k", "3"), result(false, 3, 0, 7*time.Second, 9*time.Second))
	p.release("k", "1")
	p.want("one was given back", p.peek("k"), result(true, 3, 1, 0, 9*time.Second))
	p.want("one was given back", p.acquire("k", "3"), result(true, 3, 0, 0, ttl))
	p.want("the oldest is still held", p.acquire("k", "4"), result(false, 3, 0, 7*time.Second, ttl))
	p.Advance(ttl)
	p.want("all have ended", p.peek("k"), result(true, 3, 3, 0, 0))
	p.want("all have ended", p.acquire("k", "5"), result(true, 3, 2, 0, ttl))
	p.reset("k")
	p.want("after a Reset", p.peek("k"), result(true, 3, 3, 0, 0))
	if p.renew("k", "5") {
		t.Error("a lease was renewed after a Reset")
	}
}

// testExact: a lease is free at RetryAfter, and not a microsecond before. It ends exactly TTL after the last Renew.
func testExact(t *testing.T, s Subject) {
	const ttl = 1234567 * time.Microsecond
	p := s.pair(t, 2, ttl)
	p.acquire("k", "a")
	p.Advance(1001 * time.Microsecond)
	p.acquire("k", "b")
	p.Advance(7 * time.Microsecond)
	if !p.renew("k", "a") {
		t.Error("a lease that is held was not renewed")
	}
	denied := p.acquire("k", "c")
	p.want("refused", denied, result(false, 2, 0, ttl-7*time.Microsecond, ttl))
	p.Advance(denied.RetryAfter - time.Microsecond)
	p.want("a microsecond too soon", p.acquire("k", "c"), result(false, 2, 0, time.Microsecond, 8*time.Microsecond))
	if !p.renew("k", "a") {
		t.Error("a lease that is held was not renewed")
	}
	p.Advance(time.Microsecond)
	if p.renew("k", "b") {
		t.Error("a lease was renewed at its end")
	}
	p.want("in time", p.acquire("k", "c"), result(true, 2, 0, 0, ttl))
	p.Advance(ttl - 2*time.Microsecond)
	if !p.renew("k", "a") {
		t.Error("a lease was not renewed a microsecond before its end")
	}
}

// testIdempotent: repeated calls with the same id take one lease, and give back one.
func testIdempotent(t *testing.T, s Subject) {
	const ttl = time.Second
	p := s.pair(t, 2, ttl)
	for range 3 {
		p.want("acquired again", p.acquire("k", "a"), result(true, 2, 1, 0, ttl))
	}
	p.Advance(ttl / 2)
	p.want("acquired again later, it lasts from then", p.acquire("k", "a"), result(true, 2, 1, 0, ttl))
	p.acquire("k", "b")
	p.want("where all are held, a holder still has its own", p.acquire("k", "a"), result(true, 2, 0, 0, ttl))
	p.want("and another has none", p.acquire("k", "c"), result(false, 2, 0, ttl, ttl))
	for range 2 {
		p.release("k", "a")
		p.want("released", p.peek("k"), result(true, 2, 1, 0, ttl))
	}
	p.release("k", "nobody's")
	if p.renew("k", "a") || p.renew("k", "nobody's") || p.renew("another key", "b") {
		t.Error("a lease was renewed that is not held")
	}
	p.want("no Renew has taken one", p.peek("k"), result(true, 2, 1, 0, ttl))
}

// testShared: limiters of different numbers and times to live share the leases.
func testShared(t *testing.T, s Subject) {
	p := s.pair(t, 3, time.Minute)
	few := p.with(1, time.Second)
	p.want("of three", p.acquire("k", "a"), result(true, 3, 2, 0, time.Minute))
	p.Advance(time.Millisecond)
	p.want("of three", p.acquire("k", "b"), result(true, 3, 1, 0, time.Minute))
	p.want("of one", few.peek("k"), result(false, 1, 0, time.Minute, time.Minute))
	p.want("of one, two are held: both must end", few.acquire("k", "c"), result(false, 1, 0, time.Minute, time.Minute))
	p.want("a lease that is held", few.acquire("k", "a"), result(true, 1, 0, 0, time.Minute))
	if !few.renew("k", "b") {
		t.Error("another limiter's lease was not renewed")
	}
	p.want("no limiter makes a lease end sooner", p.peek("k"), result(true, 3, 1, 0, time.Minute))
	few.release("k", "a")
	few.release("k", "b")
	p.want("of one, none is held", few.acquire("k", "c"), result(true, 1, 0, 0, time.Second))
	p.want("of three", p.acquire("k", "d"), result(true, 3, 1, 0, time.Minute))
}

// testClockBack: if the clock goes back, no lease lasts for more than an hour from then, and holders keep their leases.
func testClockBack(t *testing.T, s Subject) {
	p := s.pair(t, 2, 10*time.Second)
	p.acquire("k", "a")
	p.acquire("k", "b")
	p.Advance(-5 * time.Second)
	p.want("the clock went back", p.acquire("k", "c"), result(false, 2, 0, 15*time.Second, 15*time.Second))
	p.Advance(-24 * time.Hour)
	p.want("by a day", p.peek("k"), result(false, 2, 0, time.Hour, time.Hour))
	if !p.renew("k", "a") {
		t.Error("a holder has lost its lease")
	}
	p.want("by a day", p.acquire("k", "c"), result(false, 2, 0, 10*time.Second, time.Hour))
	p.Advance(10 * time.Second)
	p.want("a lease that was renewed has ended", p.acquire("k", "c"), result(true, 2, 0, 0, time.Hour-10*time.Second))
	p.Advance(time.Hour - 10*time.Second)
	p.want("after an hour", p.peek("k"), result(true, 2, 2, 0, 0))

	again := s.pair(t, 1, 10*time.Second)
	again.acquire("k", "a")
	again.Advance(-24 * time.Hour)
	p.want("a holder acquires again", again.acquire("k", "a"), result(true, 1, 0, 0, 10*time.Second))

	renewed := s.pair(t, 1, 10*time.Second)
	renewed.acquire("k", "a")
	renewed.Advance(-24 * time.Hour)
	if !renewed.renew("k", "a") {
		t.Error("a holder has lost its lease")
	}
	p.want("a lease that is renewed lasts for its time to live", renewed.peek("k"), result(false, 1, 0, 10*time.Second, 10*time.Second))

	many := s.pair(t, 200, time.Hour)
	for i := range 200 {
		many.acquire("k", fmt.Sprint(i))
		many.Advance(time.Microsecond)
	}
	many.Advance(-24 * time.Hour)
	for range 6 {
		many.acquire("k", "one more")
		many.Advance(time.Minute)
	}
	many.Advance(time.Hour)
	for range 3 {
		many.acquire("k", "one more")
	}
	p.want("after an hour and some calls", many.peek("k"), result(true, 200, 199, 0, time.Hour))
}

// testKeys: any string can be a key, and any string of 1 to 256 bytes an id.
func testKeys(t *testing.T, s Subject) {
	p := s.pair(t, 2, time.Minute)
	ids := []string{" ", "{}", "(", "+inf", "nan", "\x00\xff", "WITHSCORES", strings.Repeat("i", 256)}
	for _, key := range []string{"", "{", "}", "a:inflight", strings.Repeat("k", 1000)} {
		for _, id := range ids {
			if r := p.acquire(key, id); !r.Allowed || r.Remaining != 1 {
				t.Errorf("key %q, id %q: %+v", key, id, r)
			}
			if !p.renew(key, id) {
				t.Errorf("key %q, id %q is not held", key, id)
			}
			p.release(key, id)
		}
	}
}

// testWrongIDs: a call with an id that is empty or too long returns ErrInvalidID and changes nothing.
func testWrongIDs(t *testing.T, s Subject) {
	p, ctx := s.pair(t, 1, time.Minute), context.Background()
	for _, id := range []string{"", strings.Repeat("i", 257)} {
		_, acquireErr := p.subject.Acquire(ctx, "k", id)
		for _, err := range []error{acquireErr, p.subject.Renew(ctx, "k", id), p.subject.Release(ctx, "k", id)} {
			if !errors.Is(err, inflight.ErrInvalidID) {
				t.Errorf("an id of %d bytes: %v, want ErrInvalidID", len(id), err)
			}
		}
	}
	p.want("nothing was taken", p.peek("k"), result(true, 1, 1, 0, 0))
}

// testEnded: if its context has ended, every call except Release returns an error and does nothing.
func testEnded(t *testing.T, s Subject) {
	p := s.pair(t, 1, time.Minute)
	p.acquire("k", "a")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, l := range []inflight.Limiter{p.subject, p.local} {
		_, acquireErr := l.Acquire(ended, "k2", "a")
		_, peekErr := l.Peek(ended, "k")
		for _, err := range []error{acquireErr, peekErr, l.Renew(ended, "k", "a"), l.Reset(ended, "k")} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%T: %v, want context.Canceled", l, err)
			}
		}
	}
	p.want("nothing was done", p.peek("k"), result(false, 1, 0, time.Minute, time.Minute))
	p.want("nothing was done", p.peek("k2"), result(true, 1, 1, 0, 0))
	p.same("Release", func(l inflight.Limiter) (algorithms.Result, error) {
		err := l.Release(ended, "k", "a")
		for errors.Is(err, context.DeadlineExceeded) { // on a slow machine
			err = l.Release(ended, "k", "a")
		}
		return algorithms.Result{}, err
	})
	p.want("given back", p.peek("k"), result(true, 1, 1, 0, 0))
}

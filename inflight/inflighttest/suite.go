// Package inflighttest is a test suite for implementations of inflight.Limiter. It compares every answer with that of an
// [inflight.Local] on the same clock.
package inflighttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/inflight"
)

// A Subject makes limiters of the implementation that is tested.
type Subject struct {
	// New makes a limiter. Limiters with different prefixes share no leases.
	New func(most int64, ttl time.Duration, opts ...algorithms.Option) (inflight.Limiter, error)

	// With makes a limiter that shares the leases of another one.
	With func(l inflight.Limiter, most int64, ttl time.Duration) (inflight.Limiter, error)
}

// Run runs the suite.
func Run(t *testing.T, s Subject) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Subject){
		"most at once": testMost, "exact waits": testExact, "idempotent": testIdempotent, "shared by limiters": testShared,
		"the clock goes back": testClockBack, "keys and ids": testKeys, "ended contexts": testEnded, "wrong ids": testWrongIDs,
		"random traces": testTraces,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// A pair is the limiter and the Local that it is compared with, on one clock.
type pair struct {
	t *testing.T
	s Subject
	*limitertest.Clock
	subject, local inflight.Limiter
}

var start = time.UnixMicro(1_795_363_671_123_457)

func (s Subject) pair(t *testing.T, most int64, ttl time.Duration) *pair {
	t.Helper()
	clock := limitertest.NewClock(start)
	prefix := fmt.Sprintf("inflighttest-%s-%d", strings.NewReplacer("{", "", "}", "").Replace(t.Name()), rand.Int64())
	subject, err := s.New(most, ttl, algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix))
	if err != nil {
		t.Fatal(err)
	}
	local, err := inflight.NewLocal(most, ttl, algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	return &pair{t, s, clock, subject, local}
}

// with returns a pair of limiters that share the leases of p.
func (p *pair) with(most int64, ttl time.Duration) *pair {
	p.t.Helper()
	subject, err := p.s.With(p.subject, most, ttl)
	if err != nil {
		p.t.Fatal(err)
	}
	local, err := p.local.(*inflight.Local).With(most, ttl)
	if err != nil {
		p.t.Fatal(err)
	}
	return &pair{p.t, p.s, p.Clock, subject, local}
}

func (p *pair) acquire(key, id string) algorithms.Result {
	p.t.Helper()
	return p.same("Acquire "+id, func(l inflight.Limiter) (algorithms.Result, error) {
		return l.Acquire(context.Background(), key, id)
	})
}

func (p *pair) peek(key string) algorithms.Result {
	p.t.Helper()
	return p.same("Peek", func(l inflight.Limiter) (algorithms.Result, error) { return l.Peek(context.Background(), key) })
}

func (p *pair) release(key, id string) {
	p.t.Helper()
	p.same("Release "+id, func(l inflight.Limiter) (algorithms.Result, error) {
		return algorithms.Result{}, l.Release(context.Background(), key, id)
	})
}

func (p *pair) reset(key string) {
	p.t.Helper()
	p.same("Reset", func(l inflight.Limiter) (algorithms.Result, error) {
		return algorithms.Result{}, l.Reset(context.Background(), key)
	})
}

// renew reports whether the lease was held.
func (p *pair) renew(key, id string) bool {
	p.t.Helper()
	return p.same("Renew "+id, func(l inflight.Limiter) (r algorithms.Result, err error) {
		err = l.Renew(context.Background(), key, id)
		r.Allowed = err == nil
		if errors.Is(err, inflight.ErrNotHeld) {
			err = nil
		}
		return r, err
	}).Allowed
}

// same makes a call to both limiters and returns their common answer.
func (p *pair) same(what string, call func(inflight.Limiter) (algorithms.Result, error)) algorithms.Result {
	p.t.Helper()
	got, err := call(p.subject)
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
	want, err := call(p.local)
	if err != nil {
		p.t.Fatalf("%s of the Local: %v", what, err)
	}
	if got != want {
		p.t.Fatalf("%s gives %+v, the Local %+v", what, got, want)
	}
	return got
}

// result returns a Result with these fields.
func result(allowed bool, limit, remaining int64, retry, reset time.Duration) algorithms.Result {
	return algorithms.Result{Allowed: allowed, Limit: limit, Remaining: remaining, RetryAfter: retry, ResetAfter: reset}
}

func (p *pair) want(what string, got, want algorithms.Result) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// testTraces makes random calls to limiters with different numbers and times to live, on a clock that sometimes goes back.
func testTraces(t *testing.T, s Subject) {
	const traces, calls = 20, 150
	for i := range traces {
		random := rand.New(rand.NewPCG(0x1ea5e, uint64(i)))
		most, ttl := 1+random.Int64N(6), time.Duration(1+random.Int64N(5000))*time.Millisecond
		first := s.pair(t, most, ttl)
		pairs := []*pair{first, first.with(1+random.Int64N(6), time.Duration(1+random.Int64N(5000))*time.Millisecond), first.with(2, time.Hour)}
		if i%2 == 0 {
			pairs = pairs[:2] // no lease lasts for very long
		}
		for range calls {
			p, id := pairs[random.IntN(len(pairs))], fmt.Sprint("id ", random.IntN(9))
			switch random.IntN(10) {
			case 0, 1, 2, 3:
				p.acquire("k", id)
			case 4, 5:
				p.release("k", id)
			case 6, 7:
				p.renew("k", id)
			case 8:
				p.peek("k")
			default:
				if random.IntN(10) == 0 {
					p.reset("k")
				}
			}
			switch random.IntN(30) {
			case 0:
				first.Advance(-time.Duration(random.Int64N(int64(ttl))))
			case 1:
				first.Advance(-time.Duration(random.Int64N(int64(2 * time.Hour))))
			case 2:
				first.Advance(time.Duration(random.Int64N(int64(time.Minute))))
			default:
				first.Advance(time.Duration(random.Int64N(int64(ttl) / 2)))
			}
		}
	}
}

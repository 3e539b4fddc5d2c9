package algorithmtest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// endOfTime is the first time, in µs since the Unix epoch, that is refused as too late.
const endOfTime = 1 << 52

// FuzzCalls compares the script on an embedded server with Local over any limit, any times and any
// costs, including wrong ones. Both give the same answer, or the error for the wrong argument,
// and an error changes nothing. A denied request fits exactly after its RetryAfter.
func (a Algorithm) FuzzCalls(f *testing.F) {
	now := Start.UnixMicro()
	f.Add(SeedOf(algorithms.PerSecond(10), now, 1, now+1, 0, now+50_000, 3, now-3_600_000_000, 7, now, 11, now+9, 10))
	f.Add(SeedOf(algorithms.Per(3, 7*time.Microsecond).WithBurst(2), 0, 1, 1, 2, 2, 1, 5, 1, 4, 3, 4, -1, 20, 2))
	f.Add(SeedOf(algorithms.PerSecond(300_000).WithBurst(40), now, 40, math.MaxInt64, 1, math.MinInt64, 1, now+1, math.MaxInt64, now+1, math.MinInt64, now+1, 1))
	f.Add(SeedOf(algorithms.Per(1<<46, time.Microsecond), endOfTime-1, 1<<46, endOfTime-1, 1, endOfTime, 1, -1, 1, 0, 1<<46))
	f.Add(SeedOf(algorithms.Per(1, 1<<46*time.Microsecond), endOfTime-1, 1, endOfTime, 0, 1, 1, -1, 2))
	f.Add(SeedOf(algorithms.Per(3, 1<<46*time.Microsecond), now, 1, now+1<<44, 1, now+1<<45, 1, now+1<<46, 2, now-1<<47, 1))
	f.Add(SeedOf(algorithms.Per(1<<51, 1<<51*time.Microsecond), now, 1<<51, now+1, 2, now-1, 1))
	f.Add(SeedOf(algorithms.Per(0, -time.Microsecond)))
	server, conn := resptest.Miniredis(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		numbers := Numbers(input)
		limit := a.Fitting(numbers.Limit())
		if a.refused(t, conn, limit) {
			return
		}
		p := a.pair(t, server, conn, limit)
		// After 64 requests Local forgets states that are over. That would make a difference if the clock went back
		// afterwards, so there are fewer requests here.
		for calls := 0; calls < 10 && len(numbers) > 0; calls++ {
			at, n := numbers.Next(), numbers.Next()
			r, decided := p.ask(at, n)
			if !decided || r.Allowed || r.RetryAfter.Microseconds() >= endOfTime-at {
				continue
			}
			at += r.RetryAfter.Microseconds()
			early, _ := p.ask(at-1, n)
			if on, _ := p.ask(at, n); early.Allowed || early.RetryAfter != time.Microsecond || !on.Allowed {
				t.Fatalf("%v: cost %d, denied until %d µs, is a microsecond sooner %+v, and then %+v", limit, n, at, early, on)
			}
		}
		p.look()
	})
}

// A pair is a limiter over a server and a Local. Both have the same limit and the same clock.
type pair struct {
	t           *testing.T
	limit       algorithms.Limit
	over, local algorithms.Limiter
	server      *miniredis.Miniredis
	now         int64 // what the clock shows
	known       int64 // the last time that was valid
	capacity    int64
}

func (a Algorithm) pair(t *testing.T, server *miniredis.Miniredis, run scripts.Runner, limit algorithms.Limit) *pair {
	t.Helper()
	p := &pair{t: t, limit: limit, server: server}
	clock := algorithms.WithClock(func() time.Time { return time.UnixMicro(p.now) })
	var err, localErr error
	p.over, err = a.Over(run)(limit, clock)
	p.local, localErr = a.Local(limit, clock)
	if err = errors.Join(err, localErr, p.over.Reset(context.Background(), "k")); err != nil {
		t.Fatal(err)
	}
	p.capacity = p.look().peek.Limit
	return p
}

// ask asks for n events at the time at. It returns false if the time or the number is wrong.
func (p *pair) ask(at, n int64) (r algorithms.Result, decided bool) {
	p.t.Helper()
	want := p.deserved(at, n)
	if want == nil {
		p.known = at
		r = p.compare(at, n, nil)
		p.possible(n, r)
		return r, true
	}
	before := p.look()
	r = p.compare(at, n, want)
	if after := p.look(); after != before {
		p.t.Fatalf("%v, cost %d at %d µs: though this is wrong, %+v has become %+v", p.limit, n, at, before, after)
	}
	return r, false
}

// compare asks both limiters and compares their answers.
func (p *pair) compare(at, n int64, want error) algorithms.Result {
	p.t.Helper()
	p.now = at
	r, err := p.over.AllowN(context.Background(), "k", n)
	local, localErr := p.local.AllowN(context.Background(), "k", n)
	if r != local || !errors.Is(err, want) || !errors.Is(localErr, want) {
		p.t.Fatalf("%v, cost %d at %d µs: %+v, %v, Local says %+v, %v, want the error %v", p.limit, n, at, r, err, local, localErr, want)
	}
	return r
}

// deserved returns the error that a call must return, or nil if its arguments are right.
func (p *pair) deserved(at, n int64) error {
	switch {
	case n < 1:
		return algorithms.ErrInvalidCost
	case n > p.capacity:
		return algorithms.ErrCostExceedsLimit
	case at < 0 || at >= endOfTime:
		return algorithms.ErrInvalidTime
	}
	return nil
}

// possible fails the test if no limiter could answer r to a request of cost n.
func (p *pair) possible(n int64, r algorithms.Result) {
	p.t.Helper()
	if r.Limit != p.capacity || r.Remaining < 0 || r.Remaining > r.Limit || r.ResetAfter < 0 ||
		r.Allowed != (r.RetryAfter == 0) || r.RetryAfter < 0 || !r.Allowed && r.Remaining >= n || r.Allowed && r.Remaining > r.Limit-n {
		p.t.Fatalf("%v, cost %d at %d µs: %+v", p.limit, n, p.now, r)
	}
}

// A look has what the server stores, and the answer of a Peek of the key.
type look struct {
	stored string
	peek   algorithms.Result
}

// look peeks at the last time that was valid.
func (p *pair) look() look {
	p.t.Helper()
	p.now = p.known
	stored := p.server.Dump()
	peek, err := p.over.Peek(context.Background(), "k")
	local, localErr := p.local.Peek(context.Background(), "k")
	if err = errors.Join(err, localErr); err != nil || peek != local {
		p.t.Fatalf("%v, Peek at %d µs: %+v, Local says %+v, %v", p.limit, p.now, peek, local, err)
	}
	return look{stored, peek}
}

package algorithmtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
)

// A full limiter has all methods that Remote and Local have in common.
type full interface {
	algorithms.Limiter
	algorithms.Reserver
	AllowAtMost(ctx context.Context, key string, n int64) (int64, algorithms.Result, error)
}

// twins has two limiters on one clock, which get the same calls.
type twins struct {
	t     *rapid.T
	clock *limitertest.Clock
	both  [2]full
	open  [][2]*algorithms.Reservation
}

func newTwins(t *rapid.T, limit algorithms.Limit, factories ...limitertest.Factory) *twins {
	p := &twins{t: t, clock: limitertest.NewClock(Start)}
	for i, factory := range factories {
		prefix := fmt.Sprintf("twins-%d-%d", time.Now().UnixNano(), i)
		l, err := factory(limit, algorithms.WithClock(p.clock.Now), algorithms.WithPrefix(prefix))
		if err != nil {
			t.Fatal(err)
		}
		p.both[i] = l.(full)
	}
	return p
}

// same fails the test if two answers differ.
func (p *twins) same(what string, answers [2]any, errs [2]error) {
	p.t.Helper()
	if errs[0] != nil || errs[1] != nil || answers[0] != answers[1] {
		p.t.Fatalf("%s at %v: %+v, %v and %+v, %v", what, p.clock.Now().Sub(Start), answers[0], errs[0], answers[1], errs[1])
	}
}

func (p *twins) allow(n int64) {
	var answers [2]any
	var errs [2]error
	for i, l := range p.both {
		answers[i], errs[i] = l.AllowN(context.Background(), "k", n)
	}
	p.same(fmt.Sprintf("AllowN %d", n), answers, errs)
}

func (p *twins) allowAtMost(n int64) {
	var answers [2]any
	var errs [2]error
	for i, l := range p.both {
		admitted, result, err := l.AllowAtMost(context.Background(), "k", n)
		answers[i], errs[i] = fmt.Sprint(admitted, result), err
	}
	p.same(fmt.Sprintf("AllowAtMost %d", n), answers, errs)
}

func (p *twins) peek(n int64) {
	var answers [2]any
	var errs [2]error
	for i, l := range p.both {
		answers[i], errs[i] = l.PeekN(context.Background(), "k", n)
	}
	p.same(fmt.Sprintf("PeekN %d", n), answers, errs)
}

func (p *twins) reserve(n int64) {
	var reservations [2]*algorithms.Reservation
	var answers [2]any
	var errs [2]error
	for i, l := range p.both {
		reservations[i], errs[i] = l.Reserve(context.Background(), "k", n)
		if errs[i] == nil {
			answers[i] = reservations[i].Result()
		}
	}
	p.same(fmt.Sprintf("Reserve %d", n), answers, errs)
	p.open = append(p.open, reservations)
}

func (p *twins) settle(i int, used int64) {
	for _, r := range p.open[i] {
		if err := r.Commit(context.Background(), used); err != nil {
			p.t.Fatal(err)
		}
	}
	p.open = append(p.open[:i], p.open[i+1:]...)
}

// SettlesAlike compares Local with the scripts over random calls, on a clock that goes back too.
func (a Algorithm) SettlesAlike(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	rapid.Check(t, func(rt *rapid.T) {
		limit := a.Fitting(algorithms.Limit{
			Rate:   rapid.Int64Range(1, 12).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 15).Draw(rt, "burst"),
		})
		if rapid.Bool().Draw(rt, "large") { // numbers of all lengths
			limit.Rate, limit.Period = limit.Rate*900_001, limit.Period*999_983
		}
		p, capacity, period := newTwins(rt, limit, a.Local, a.Over(conn)), limit.BurstOrRate(), limit.Period.Microseconds()
		for range rapid.IntRange(1, 40).Draw(rt, "calls") {
			switch rapid.IntRange(0, 7).Draw(rt, "call") {
			case 0:
				p.allow(rapid.Int64Range(1, capacity).Draw(rt, "cost"))
			case 1:
				p.allowAtMost(rapid.Int64Range(1, 2*capacity).Draw(rt, "cost"))
			case 2:
				back := int64(0)
				if rapid.IntRange(0, 9).Draw(rt, "clock") == 0 {
					back = 2 * period
				}
				step := rapid.Int64Range(-back, period).Draw(rt, "step")
				p.clock.Advance(time.Duration(step) * time.Microsecond)
			case 3, 4:
				p.reserve(rapid.Int64Range(1, capacity).Draw(rt, "cost"))
			default:
				if len(p.open) > 0 {
					most := capacity * rapid.Int64Range(1, 3).Draw(rt, "most")
					p.settle(rapid.IntRange(0, len(p.open)-1).Draw(rt, "which"), rapid.Int64Range(0, most).Draw(rt, "used"))
				}
			}
			p.peek(1)
			p.peek(rapid.Int64Range(1, capacity).Draw(rt, "cost"))
		}
	})
}

// LeavesNoTrace tests reservations that are all canceled at the instant at which they were made, in any order and with other
// requests in between: every later decision is as if they had never been made.
func (a Algorithm) LeavesNoTrace(t *testing.T, factory limitertest.Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := a.Fitting(algorithms.Limit{
			Rate:   rapid.Int64Range(1, 12).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 15).Draw(rt, "burst"),
		})
		p, capacity := newTwins(rt, limit, factory, factory), limit.BurstOrRate()
		for range rapid.IntRange(1, 20).Draw(rt, "instants") {
			p.clock.Advance(time.Duration(rapid.Int64Range(0, limit.Period.Microseconds()).Draw(rt, "step")) * time.Microsecond)
			var reservations []*algorithms.Reservation
			for range rapid.IntRange(0, 4).Draw(rt, "reservations") {
				r, err := p.both[0].Reserve(context.Background(), "k", rapid.Int64Range(1, capacity).Draw(rt, "cost"))
				if err != nil {
					rt.Fatal(err)
				}
				reservations = append(reservations, r)
				// Requests that are admitted in between must also be admitted without the reservations.
				between := rapid.Int64Range(1, capacity).Draw(rt, "cost")
				if peeked, err := p.both[0].PeekN(context.Background(), "k", between); err != nil {
					rt.Fatal(err)
				} else if peeked.Allowed {
					for _, l := range p.both {
						if r, err := l.AllowN(context.Background(), "k", between); err != nil || !r.Allowed {
							rt.Fatalf("%d beside reservations: %+v, %v", between, r, err)
						}
					}
				}
			}
			for _, r := range rapid.Permutation(reservations).Draw(rt, "order") {
				if err := r.Cancel(context.Background()); err != nil {
					rt.Fatal(err)
				}
			}
			for n := range capacity {
				p.peek(n + 1)
			}
			p.allow(rapid.Int64Range(1, capacity).Draw(rt, "cost"))
		}
	})
}

// AllowsAtMost tests that AllowAtMost admits as many events as fit, as AllowN of that number does.
func (a Algorithm) AllowsAtMost(t *testing.T, factory limitertest.Factory) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := a.Fitting(algorithms.Limit{
			Rate:   rapid.Int64Range(1, 12).Draw(rt, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(rt, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 70).Draw(rt, "burst"),
		})
		p := newTwins(rt, limit, factory, factory)
		for range rapid.IntRange(1, 20).Draw(rt, "calls") {
			p.clock.Advance(time.Duration(rapid.Int64Range(0, limit.Period.Microseconds()).Draw(rt, "step")) * time.Microsecond)
			n := rapid.Int64Range(1, 2*limit.BurstOrRate()).Draw(rt, "most")
			present, err := p.both[1].Peek(context.Background(), "k")
			if err != nil {
				rt.Fatal(err)
			}
			fits := min(n, present.Remaining)
			want, err := p.both[1].AllowN(context.Background(), "k", max(fits, 1))
			if err != nil {
				rt.Fatal(err)
			}
			admitted, got, err := p.both[0].AllowAtMost(context.Background(), "k", n)
			if admitted != fits || got != want || err != nil {
				rt.Fatalf("%v: at most %d of %d that fit: %d, %+v, %v, want %+v", limit, n, present.Remaining, admitted, got, err, want)
			}
		}
	})
}

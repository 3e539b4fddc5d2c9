package algorithmtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// A full limiter has all that Remote and Local have.
type full interface {
	algorithms.Limiter
	algorithms.Reserver
	AllowAtMost(ctx context.Context, key string, n int64) (int64, algorithms.Result, error)
}

// Twins are two limiters on one clock, which are asked the same.
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

// LeavesNoTrace: if a key's reservations of an instant are all canceled in it, in any order and with other requests
// between, then every later decision is as if they had never been.
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
				// What is admitted between must be admitted without the reservations, too.
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

// AllowsAtMost: AllowAtMost admits what fits, as AllowN of that does.
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

// settlesWrongly: what can't be asked or settled is an error that says so, and nothing is sent.
func (a Algorithm) settlesWrongly(t *testing.T, factory limitertest.Factory) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	made, err := factory(a.Fitting(algorithms.PerHour(10).WithBurst(5)))
	if err != nil {
		t.Fatal(err)
	}
	l, ctx := made.(full), context.Background()
	capacity := int64(10) // or the burst
	if a.Bursts() {
		capacity = 5
	}
	for n, want := range map[int64]error{0: algorithms.ErrInvalidCost, -1: algorithms.ErrInvalidCost, capacity + 1: algorithms.ErrCostExceedsLimit} {
		if r, err := l.Reserve(ctx, "k", n); r != nil || !errors.Is(err, want) {
			t.Errorf("Reserve %d: %v, %v, want %v", n, r, err, want)
		}
		if admitted, r, err := l.AllowAtMost(ctx, "k", n); n < 1 && (admitted != 0 || r != algorithms.Result{} || !errors.Is(err, want)) {
			t.Errorf("AllowAtMost %d: %d, %v, %v, want %v", n, admitted, r, err, want)
		}
	}
	if r, err := l.Reserve(ended, "other", 1); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("Reserve in a context that has ended: %v, %v", r, err)
	}
	if admitted, _, err := l.AllowAtMost(ended, "other", 1); admitted != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("AllowAtMost in a context that has ended: %d, %v", admitted, err)
	}
	if r, err := l.Peek(ctx, "other"); err != nil || r.ResetAfter != 0 {
		t.Errorf("then the key is not as new: %+v, %v", r, err)
	}
	if err := l.Reset(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	r, err := l.Reserve(ctx, "k", 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, used := range []int64{-1, 1 << 62, 1<<63 - 1, -1 << 63} {
		if err := r.Commit(ctx, used); !errors.Is(err, algorithms.ErrInvalidCost) {
			t.Errorf("Commit %d: %v, want ErrInvalidCost", used, err)
		}
	}
	if err := r.Cancel(ctx); err != nil {
		t.Errorf("Cancel after that: %v", err)
	}
	denied, err := l.Reserve(ctx, "k", capacity)
	if err != nil || !denied.Result().Allowed {
		t.Fatal(err)
	}
	if denied, err = l.Reserve(ctx, "k", 1); err != nil || denied.Result().Allowed || denied.Result().RetryAfter == 0 {
		t.Fatalf("%+v, %v, want a denial", denied, err)
	}
	if err := denied.Cancel(ctx); err != nil {
		t.Error(err)
	}
	if r, err := l.Peek(ctx, "k"); err != nil || r.Remaining != 0 {
		t.Errorf("after the Cancel of a denial: %+v, %v", r, err)
	}
}

// largeDebts: a debt of any size is computed with exactly or refused, and what can be owed in all is bounded.
func (a Algorithm) largeDebts(t *testing.T, factory limitertest.Factory) {
	ctx := context.Background()
	for _, limit := range []algorithms.Limit{
		algorithms.PerSecond(10), algorithms.PerSecond(7).WithBurst(3), algorithms.Per(3_000_000, 7*time.Microsecond),
		algorithms.Per(1, 24*time.Hour), algorithms.Per(1<<46, time.Hour),
	} {
		clock := limitertest.NewClock(Start)
		l, err := factory(a.Fitting(limit), algorithms.WithClock(clock.Now), algorithms.WithPrefix(fmt.Sprintf("debts-%d", time.Now().UnixNano())))
		if err != nil {
			t.Fatal(err)
		}
		for most := int64(1 << 62); most > 0; most /= 2 {
			if err := l.Reset(ctx, "k"); err != nil {
				t.Fatal(err)
			}
			for range 3 { // three of the largest debt come to the bound
				r, err := l.(full).Reserve(ctx, "k", 1)
				if err != nil {
					t.Fatal(err)
				}
				if err = r.Commit(ctx, 1+most); err != nil && !errors.Is(err, algorithms.ErrInvalidCost) {
					t.Fatalf("%v: %d more: %v", limit, most, err)
				}
			}
			for _, ask := range []func(context.Context, string) (algorithms.Result, error){l.Peek, l.Allow} {
				if r, err := ask(ctx, "k"); err != nil || r.RetryAfter < 0 || r.ResetAfter < r.RetryAfter {
					t.Fatalf("%v: after debts of %d: %+v, %v", limit, most, r, err)
				}
			}
			if admitted, r, err := l.(full).AllowAtMost(ctx, "k", 5); err != nil || (admitted > 0) != r.Allowed {
				t.Fatalf("%v: after debts of %d: %d, %+v, %v", limit, most, admitted, r, err)
			}
		}
	}
}

// Settlements tests reservations and AllowAtMost over Local, with so many random histories, and over the scripts on an embedded
// server.
func (a Algorithm) Settlements(t *testing.T, histories int, model func(algorithms.Limit) Model) {
	_, conn := resptest.Miniredis(t)
	for _, place := range []struct {
		name      string
		factory   limitertest.Factory
		histories int
	}{{"Local", a.Local, histories}, {"miniredis", a.Over(conn), 100}} {
		t.Run(place.name, func(t *testing.T) {
			t.Run("Histories", func(t *testing.T) { a.Settles(t, place.factory, place.histories, model) })
			t.Run("AllowsAtMost", func(t *testing.T) { a.AllowsAtMost(t, place.factory) })
			t.Run("Wrong", func(t *testing.T) { a.settlesWrongly(t, place.factory) })
			t.Run("LargeDebts", func(t *testing.T) { a.largeDebts(t, place.factory) })
		})
	}
	// What holds for Local holds for what decides alike.
	t.Run("RapidHistories", func(t *testing.T) { a.SettlesByRapid(t, a.Local, model) })
	t.Run("LeavesNoTrace", func(t *testing.T) { a.LeavesNoTrace(t, a.Local) })
	t.Run("Alike", a.SettlesAlike)
	t.Run("Nonsense", a.settlesNonsense)
}

// settlesNonsense: a reply that no script can give is an error that says so.
func (a Algorithm) settlesNonsense(t *testing.T) {
	ctx := context.Background()
	reply := []int64{}
	made, err := a.Over(replying(func(s *scripts.Script) []int64 {
		if len(reply) == 0 {
			return make([]int64, len(s.Reply()))
		}
		return reply
	}))(algorithms.PerSecond(10))
	if err != nil {
		t.Fatal(err)
	}
	l := made.(full)
	for _, reply = range [][]int64{
		{}, {1}, {-1, -1}, {11, 1, 1}, {5, -1, 0}, {1, 1, 0, -1}, {0, 0, -1}, {0, 1, 0, 0}, {1 << 60, 0, 0, 0, 0, 0}, {1, 0, -1, 0, 0, 0},
		{1, 0, 1 << 62, 0, 0, 0}, {1, 0, 1, -1, 0, 0}, {1, 0, 1, 1, 1, 1}, {1, 0, 1, 1, -1, 0}, {1, 1, 1, 1, 1, 1},
	} {
		if admitted, _, err := l.AllowAtMost(ctx, "k", 3); len(reply) != 0 && !errors.Is(err, scripts.ErrReply) {
			t.Errorf("AllowAtMost on %v: %d, %v, want ErrReply", reply, admitted, err)
		}
		if r, err := l.Reserve(ctx, "k", 3); len(reply) != 0 && !errors.Is(err, scripts.ErrReply) {
			t.Errorf("Reserve on %v: %+v, %v, want ErrReply", reply, r, err)
		}
	}
}

// replying is a runner that makes up its replies.
type replying func(s *scripts.Script) []int64

func (r replying) Run(_ context.Context, s *scripts.Script, _, _ []string) ([]int64, error) {
	return r(s), nil
}

package allof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/algorithmtest"
)

// A shape describes a limiter, which tests make on a server and in this process.
type shape struct {
	algorithm string
	limit     algorithms.Limit
}

// shapes draws limiters with limits so small that each denies some requests.
func shapes(t *rapid.T) []shape {
	names := []string{"fixedwindow", "fixedwindow-aligned", "gcra", "leakybucket", "slidinglog"}
	all := make([]shape, rapid.IntRange(1, 4).Draw(t, "limiters"))
	for i := range all {
		name := rapid.SampledFrom(names).Draw(t, "algorithm")
		limit := algorithms.Limit{
			Rate:   rapid.Int64Range(1, 9).Draw(t, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 40).Draw(t, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 12).Draw(t, "burst"),
		}
		all[i] = shape{name, algorithmsByName[name].Fitting(limit)}
	}
	return all
}

// made makes the limiters, each with a different name.
func made(t testing.TB, all []shape, over func(algorithmtest.Algorithm) limitertest.Factory, opts ...algorithms.Option) []algorithms.Limiter {
	t.Helper()
	limiters := make([]algorithms.Limiter, len(all))
	for i, s := range all {
		var err error
		limiters[i], err = over(algorithmsByName[s.algorithm])(s.limit, append(opts, algorithms.WithName(fmt.Sprint(i)))...)
		if err != nil {
			t.Fatal(err)
		}
	}
	return limiters
}

func locals(a algorithmtest.Algorithm) limitertest.Factory { return a.Local }

func together(t testing.TB, limiters []algorithms.Limiter) *allof.Limiter {
	t.Helper()
	l, err := allof.New(limiters...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// requests draws a valid request for each limiter.
func requests(t *rapid.T, limiters []algorithms.Limiter) []allof.Request {
	asked := make([]allof.Request, len(limiters))
	for i, l := range limiters {
		r, err := l.Peek(context.Background(), "unused")
		if err != nil {
			t.Fatal(err)
		}
		asked[i] = allof.Request{Key: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"), Cost: rapid.Int64Range(1, r.Limit).Draw(t, "cost")}
	}
	return asked
}

// TestNoHalfCharge: in any history each limiter is charged for exactly the requests that all limiters admit. The
// wait of a denial is exact.
func TestNoHalfCharge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := shapes(rt)
		clock := limitertest.NewClock(algorithmtest.Start)
		whole, alone := made(t, all, locals, algorithms.WithClock(clock.Now)), made(t, all, locals, algorithms.WithClock(clock.Now))
		l, ctx := together(t, whole), context.Background()
		for range rapid.IntRange(1, 60).Draw(rt, "requests") {
			asked := requests(rt, alone)
			admitted, want := true, make([]algorithms.Result, len(alone))
			for i, q := range asked {
				want[i], _ = alone[i].PeekN(ctx, q.Key, q.Cost)
				admitted = admitted && want[i].Allowed
			}
			if admitted {
				for i, q := range asked {
					want[i], _ = alone[i].AllowN(ctx, q.Key, q.Cost)
				}
			}
			d, err := l.AllowEach(ctx, asked...)
			if err != nil || d.Result.Allowed != admitted || !slices.Equal(d.Each, want) {
				rt.Fatalf("%v, %v: %+v, %v; one by one %v, %+v", all, asked, d, err, admitted, want)
			}
			checkWhole(rt, d)
			if wait := d.Result.RetryAfter; !admitted && rapid.Bool().Draw(rt, "wait") {
				clock.Advance(wait - time.Microsecond)
				sooner, _ := l.PeekEach(ctx, asked...)
				clock.Advance(time.Microsecond)
				if then, err := l.PeekEach(ctx, asked...); err != nil || sooner.Result.Allowed || !then.Result.Allowed {
					rt.Fatalf("%v, %v: after a wait of %v less 1 µs %+v, then %+v, %v", all, asked, wait, sooner, then, err)
				}
			}
			clock.Advance(time.Duration(rapid.Int64Range(0, 20).Draw(rt, "step")) * time.Microsecond)
		}
	})
}

// checkWhole checks that the Result combines the limiters' Results.
func checkWhole(t *rapid.T, d allof.Decision) {
	r := d.Result
	want := algorithms.Result{Allowed: true, Limit: d.Each[0].Limit, Remaining: d.Each[0].Remaining}
	for _, one := range d.Each {
		want.Allowed = want.Allowed && one.Allowed
		want.Limit, want.Remaining = min(want.Limit, one.Limit), min(want.Remaining, one.Remaining)
		want.RetryAfter, want.ResetAfter = max(want.RetryAfter, one.RetryAfter), max(want.ResetAfter, one.ResetAfter)
	}
	if r != want || r.Allowed != (r.RetryAfter == 0) {
		t.Fatalf("the whole of %+v is %+v, want %+v", d.Each, r, want)
	}
}

var prefixes atomic.Int64

// TestOrder: limiters on a server decide as those in this process, in any order, even if the clock goes back.
func TestOrder(t *testing.T) {
	conn := server(t)
	remotes := func(a algorithmtest.Algorithm) limitertest.Factory { return a.Over(conn) }
	rapid.Check(t, func(rt *rapid.T) {
		all := shapes(rt)
		order := rapid.Permutation(indexes(len(all))).Draw(rt, "order")
		clock := limitertest.NewClock(algorithmtest.Start)
		opts := []algorithms.Option{algorithms.WithClock(clock.Now), algorithms.WithPrefix(fmt.Sprint("order", prefixes.Add(1)))}
		local := made(t, all, locals, opts...)
		remote := made(t, all, remotes, opts...)
		here, there, ctx := together(t, local), together(t, permuted(remote, order)), context.Background()
		for range rapid.IntRange(1, 25).Draw(rt, "calls") {
			asked := requests(rt, local)
			var want, got allof.Decision
			var err, wantErr error
			switch call := rapid.SampledFrom([]string{"AllowEach", "AllowEach", "AllowEach", "PeekEach", "alone", "Reset"}).Draw(rt, "call"); call {
			case "AllowEach":
				want, wantErr = here.AllowEach(ctx, asked...)
				got, err = there.AllowEach(ctx, permuted(asked, order)...)
			case "PeekEach":
				want, wantErr = here.PeekEach(ctx, asked...)
				got, err = there.PeekEach(ctx, permuted(asked, order)...)
			case "alone":
				want.Result, wantErr = local[0].AllowN(ctx, asked[0].Key, asked[0].Cost)
				got.Result, err = remote[0].AllowN(ctx, asked[0].Key, asked[0].Cost)
			default:
				wantErr, err = here.Reset(ctx, asked[0].Key), there.Reset(ctx, asked[0].Key)
			}
			if want.Each != nil {
				want.Each = permuted(want.Each, order)
			}
			if err != nil || wantErr != nil || got.Result != want.Result || !slices.Equal(got.Each, want.Each) {
				rt.Fatalf("%v, %v: on the server %+v, %v; here %+v, %v", all, asked, got, err, want, wantErr)
			}
			clock.Advance(time.Duration(rapid.Int64Range(-20, 40).Draw(rt, "step")) * time.Microsecond)
		}
	})
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func permuted[T any](of []T, order []int) []T {
	all := make([]T, len(of))
	for i, j := range order {
		all[i] = of[j]
	}
	return all
}

// TestConcurrent: Locals are asked together in opposite orders, for keys in opposite orders, and alone, at the same time. There
// is no deadlock, and each admits its limit.
func TestConcurrent(t *testing.T) {
	clock := limitertest.NewClock(algorithmtest.Start)
	limit := algorithms.PerHour(2000)
	limiters := made(t, []shape{{"fixedwindow", limit}, {"slidinglog", limit}, {"fixedwindow", limit}}, locals, algorithms.WithClock(clock.Now))
	forth := together(t, limiters)
	slices.Reverse(limiters)
	back := together(t, limiters)
	var admitted [2]atomic.Int64 // by all limiters together, and by the last one when it is asked alone
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 1000 {
				ask, alone := forth, rand.N(4) == 0
				if rand.N(2) == 0 {
					ask = back
				}
				var allowed bool
				var err error
				if alone {
					var r algorithms.Result
					r, err = limiters[0].Allow(context.Background(), "k")
					allowed = r.Allowed
				} else {
					var r algorithms.Result
					r, err = ask.Allow(context.Background(), "k")
					allowed = r.Allowed
				}
				if err != nil {
					t.Error(err)
				}
				if allowed {
					admitted[0].Add(1)
					if alone {
						admitted[1].Add(1)
					}
				}
				keys := []string{"a", "b", "c"}
				rand.Shuffle(3, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
				if _, err := ask.AllowEach(context.Background(), allof.Request{keys[0], 1}, allof.Request{keys[1], 1}, allof.Request{keys[2], 1}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
	if n := admitted[0].Load(); n != limit.Rate {
		t.Errorf("%d were admitted, want %d", n, limit.Rate)
	}
	for i, l := range limiters[:2] {
		r, err := l.Peek(context.Background(), "k")
		if used := limit.Rate - r.Remaining; err != nil || used != admitted[0].Load()-int64(i)*admitted[1].Load() {
			t.Errorf("limiter %d has counted %d, %v; %d were admitted, %d of them by the first alone", i+1, used, err, admitted[0].Load(), admitted[1].Load())
		}
	}
}

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// A done is what a call has asked for.
type done struct {
	n          int64
	settlement bool
	of         int64 // the number of the Reserve that is settled
}

// A ledger numbers calls, and remembers what each has asked for.
type ledger struct {
	calls sync.Map // number → done
	last  atomic.Int64
}

// mark returns a context under which a call is journaled, and the call's number.
func (l *ledger) mark(ctx context.Context, d done) (context.Context, int64) {
	number := l.last.Add(1)
	l.calls.Store(number, d)
	return journal.WithMark(ctx, &journal.Mark{Entry: journal.Entry{Call: number}}), number
}

// busy has a caller admit, reserve and settle at random, until the time is over. A settlement that fails is never sent again.
func (l *ledger) busy(ctx context.Context, until time.Time, random *rand.Rand, limiter *algorithms.Remote, most int64) {
	type open struct {
		reservation *algorithms.Reservation
		number, n   int64
	}
	var opens []open
	for time.Now().Before(until) {
		n := 1 + random.Int64N(most)
		bounded, cancel := context.WithTimeout(ctx, time.Second)
		switch what := random.IntN(5); {
		case what == 0:
			marked, _ := l.mark(bounded, done{n: n})
			_, _ = limiter.AllowN(marked, "k", n) // the journal tells what has happened
		case what < 3 && len(opens) < 4:
			marked, number := l.mark(bounded, done{n: n})
			if r, err := limiter.Reserve(marked, "k", n); err == nil && r.Result().Allowed {
				opens = append(opens, open{r, number, n})
			}
		case len(opens) > 0:
			i := random.IntN(len(opens))
			o := opens[i]
			opens = append(opens[:i], opens[i+1:]...)
			used := random.Int64N(2) * random.Int64N(o.n+1)
			if random.IntN(8) == 0 {
				used = o.n + random.Int64N(most)
			}
			marked, _ := l.mark(bounded, done{n: used, settlement: true, of: o.number})
			_ = o.reservation.Commit(marked, used)
		}
		cancel()
	}
}

// replayed is what a journal has shown.
type replayed struct{ admitted, settled, debts, lost int }

// replay follows the journal in the server's order, and fails the test if a request was admitted that the model, which was
// charged the true costs as far as they were settled by then, would not have admitted.
func (l *ledger) replay(t *testing.T, texts []string, fresh func() algorithmtest.Model) (seen replayed) {
	t.Helper()
	type charge struct{ call, at, n int64 }
	var charges []charge
	var start int64
	model, ran := fresh(), map[int64]bool{}
	for _, text := range texts {
		entry, err := journal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if start == 0 {
			start = entry.Now
		}
		if ran[entry.Call] {
			t.Fatalf("call %d was sent twice", entry.Call)
		}
		ran[entry.Call] = true
		known, _ := l.calls.Load(entry.Call)
		now, asked := entry.Now-start, known.(done)
		switch {
		case asked.settlement:
			seen.settled++
			model = fresh()
			for i, c := range charges {
				if c.call == asked.of {
					if asked.n > c.n {
						seen.debts++
					}
					charges[i].n = asked.n
				}
				model.Charge(charges[i].at, charges[i].n)
			}
		case entry.Reply[0] >= 0:
			seen.admitted++
			if wait := model.Wait(now, asked.n); wait > 0 {
				t.Fatalf("call %d at %d µs: %d events were admitted, by the true costs %d µs too early", entry.Call, now, asked.n, wait)
			}
			model.Charge(now, asked.n)
			charges = append(charges, charge{entry.Call, now, asked.n})
		}
	}
	seen.lost = int(l.last.Load()) - len(texts)
	return seen
}

// TestReservationsUnderFaults has many callers reserve, commit and cancel over two clients and coalesce, while connections are
// reset so that replies are lost. What the server has admitted, by its own journal, is never more than what a limiter admits
// that was charged the true costs.
func TestReservationsUnderFaults(t *testing.T) {
	limit := algorithms.Per(20, 50*time.Millisecond)
	models := map[string]func(algorithms.Limit) algorithmtest.Model{
		"fixedwindow": algorithmtest.WindowModel, "slidinglog": algorithmtest.LogModel,
		"gcra": algorithmtest.BucketModel, "leakybucket": algorithmtest.BucketModel,
	}
	eachRealServer(t, func(t *testing.T, addr string) {
		for _, a := range all {
			model := models[a.name]
			if model == nil {
				continue // aligned windows: the model counts from another time
			}
			t.Run(a.name, func(t *testing.T) {
				ctx := t.Context()
				between := errtest.Must(proxy.Start(ctx, addr))
				plain := errtest.Must(goredisrunner.New(goRedis(t, between.Addr())))
				runs := []scripts.Runner{
					plain, errtest.Must(rueidisrunner.New(newRueidis(t, between.Addr()))), errtest.Must(coalesce.New(plain)),
				}
				conn, prefix := fresh(t, addr)
				ledger, until := &ledger{}, time.Now().Add(2*time.Second)
				var callers sync.WaitGroup
				for i, run := range runs {
					made, err := a.Over(journal.New(run))(limit, algorithms.WithPrefix(prefix))
					if err != nil {
						t.Fatal(err)
					}
					for j := range 6 {
						callers.Go(func() {
							random := rand.New(rand.NewPCG(uint64(i), uint64(j))) //nolint:gosec // the same each time
							ledger.busy(ctx, until, random, made.(*algorithms.Remote), 6)
						})
					}
				}
				for time.Now().Before(until) {
					time.Sleep(50 * time.Millisecond)
					if err := between.Reset(); err != nil {
						t.Error(err)
					}
				}
				callers.Wait()
				journals, err := conn.Do("KEYS", prefix+":*"+journal.Suffix)
				if err != nil || len(journals.([]any)) != 1 {
					t.Fatalf("journals %v, %v", journals, err)
				}
				texts, err := conn.Do("LRANGE", journals.([]any)[0].(string), "0", "-1")
				if err != nil {
					t.Fatal(err)
				}
				var lines []string
				for _, text := range texts.([]any) {
					lines = append(lines, text.(string))
				}
				seen := ledger.replay(t, lines, func() algorithmtest.Model { return model(limit) })
				t.Logf("%d calls: %+v", ledger.last.Load(), seen)
				if seen.admitted == 0 || seen.settled == 0 || seen.debts == 0 {
					t.Errorf("nothing was shown: %+v", seen)
				}
			})
		}
	})
}

// TestAtMost: AllowAtMost admits on every server and client what the algorithm's Local does, beside other requests.
func TestAtMost(t *testing.T) {
	eachServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			for _, a := range all {
				for i, limit := range []algorithms.Limit{
					algorithms.PerSecond(7).WithBurst(30), algorithms.PerMinute(1000), algorithms.Per(3_000_000, time.Second), algorithms.Per(1<<45, time.Hour),
				} {
					compareAtMost(t, a, run, a.Fitting(limit), fmt.Sprintf("atmost-%d-%d", time.Now().UnixNano(), i))
				}
			}
		})
	})
}

func compareAtMost(t *testing.T, a algorithm, run scripts.Runner, limit algorithms.Limit, prefix string) {
	t.Helper()
	ctx, clock := context.Background(), limitertest.NewClock(algorithmtest.Start)
	remote, err := a.Over(run)(limit, algorithms.WithClock(clock.Now), algorithms.WithPrefix(prefix))
	local, localErr := a.Local(limit, algorithms.WithClock(clock.Now))
	if err := errors.Join(err, localErr); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	for range 40 {
		clock.Advance(time.Duration(random.Int64N(int64(limit.Period / 3))))
		n := 1 + random.Int64N(limit.BurstOrRate())
		got, gotResult, err := remote.(*algorithms.Remote).AllowAtMost(ctx, "k", n)
		want, wantResult, localErr := local.(*algorithms.Local).AllowAtMost(ctx, "k", n)
		if err != nil || localErr != nil || got != want || gotResult != wantResult {
			t.Fatalf("%s, %v: at most %d: %d, %+v, %v, and %d, %+v, %v in this process", a.name, limit, n, got, gotResult, err, want, wantResult, localErr)
		}
	}
}

// TestSettledKeysExpire: what settlements have written expires, on a real server's own clock.
func TestSettledKeysExpire(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		for _, a := range all {
			conn, prefix := fresh(t, addr)
			run := resptest.Dial(t, addr)
			made, err := a.Over(run)(algorithms.Per(10, 100*time.Millisecond), algorithms.WithPrefix(prefix))
			if err != nil {
				t.Fatal(err)
			}
			for _, used := range []int64{0, 3, 12} {
				r, err := made.(algorithms.Reserver).Reserve(t.Context(), fmt.Sprint("key ", used), 5)
				if err == nil {
					err = r.Commit(t.Context(), used)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				keys, err := conn.Do("KEYS", prefix+":*")
				if err != nil {
					t.Fatal(err)
				}
				if len(keys.([]any)) == 0 {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%s: still there: %q", a.name, keys)
				}
			}
		}
	})
}

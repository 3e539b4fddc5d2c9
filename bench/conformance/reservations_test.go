package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// replayed is what a journal has shown.
type replayed struct {
	admitted, settled int
	debts             int // settlements of more than was reserved
	unseen            int // calls that the server has run, and whose callers were told of an error
}

// replay follows a key's journal in the server's order, and fails the test if a request was admitted that the model, which was
// charged the true costs as far as they were settled by then, would not have admitted.
func replay(t *testing.T, texts []string, calls map[int64]load.Call, fresh func() algorithmtest.Model) (seen replayed) {
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
		call, known := calls[entry.Call]
		if ran[entry.Call] || !known {
			t.Fatalf("call %d was sent twice, or by nobody", entry.Call)
		}
		ran[entry.Call] = true
		if call.Err != "" {
			seen.unseen++
		}
		now := entry.Now - start
		switch {
		case call.Op == subject.Settle:
			seen.settled++
			model = fresh()
			for i, c := range charges {
				if c.call == call.Of {
					if call.Cost > c.n {
						seen.debts++
					}
					charges[i].n = call.Cost
				}
				model.Charge(charges[i].at, charges[i].n)
			}
		case entry.Reply[0] >= 0:
			seen.admitted++
			if wait := model.Wait(now, call.Cost); wait > 0 {
				t.Fatalf("call %d at %d µs: %d events were admitted, by the true costs %d µs too early", entry.Call, now, call.Cost, wait)
			}
			model.Charge(now, call.Cost)
			charges = append(charges, charge{entry.Call, now, call.Cost})
		}
	}
	return seen
}

// recorded is the middleware by which the server journals what it runs.
var recorded = map[string]load.Middleware{"journal": func(run scripts.Runner) scripts.Runner { return journal.New(run) }}

// TestReservationsUnderFaults has six processes admit, reserve, commit and cancel at random, half of them over each client and
// some through coalesce and denialcache, while connections are reset so that replies are lost. What the server has admitted, by
// its own journal, is never more than what a limiter admits that was charged the true costs.
func TestReservationsUnderFaults(t *testing.T) {
	limit := algorithms.Per(20, 50*time.Millisecond)
	models := map[string]func(algorithms.Limit) algorithmtest.Model{
		"fixedwindow": algorithmtest.WindowModel, "slidinglog": algorithmtest.LogModel,
		"gcra": algorithmtest.BucketModel, "leakybucket": algorithmtest.BucketModel,
	} // none of aligned windows, as the models count from the first call
	eachRealServer(t, func(t *testing.T, addr string) {
		between := errtest.Must(proxy.Start(t.Context(), addr))
		conn, prefix := fresh(t, addr)
		var asked []load.Asked
		for kind := range models {
			asked = append(asked, load.Asked{Kind: kind, Limit: limit})
		}
		jobs := make([]load.Job, 6)
		for i := range jobs {
			jobs[i] = load.Job{
				Place: load.Place{Addrs: []string{between.Addr()}, Patience: 2 * time.Minute}, Client: []string{load.GoRedis, load.Rueidis}[i%2],
				Coalesced: i/2%2 == 1, Cached: i == 5, Through: []string{"journal"}, Asked: asked, Prefix: prefix, Keys: []string{"k"},
				MostCost: 6, Reserves: 0.8, Goroutines: 8, Timeout: time.Second, Pause: time.Millisecond, Worker: int64(i),
			}
		}
		crew, err := load.Start(jobs)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(crew.Dismiss)
		if err := crew.Begin(); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			if err := between.Reset(); err != nil {
				t.Error(err)
			}
		}
		crew.Stop()
		made, err := crew.Calls()
		if err != nil {
			t.Fatal(err)
		}
		calls := map[int64]load.Call{}
		for _, call := range made {
			calls[call.Entry.Call] = call
		}
		var all replayed
		for kind, model := range models {
			texts, err := conn.Do("LRANGE", errtest.Must(errtest.Must(subject.Named(kind)).Key(limit, prefix, "k"))+journal.Suffix, "0", "-1")
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, text := range texts.([]any) {
				lines = append(lines, text.(string))
			}
			seen := replay(t, lines, calls, func() algorithmtest.Model { return model(limit) })
			t.Logf("%s: %d decisions of %d calls of all kinds: %+v", kind, len(lines), len(made), seen)
			all.admitted += seen.admitted
			all.settled += seen.settled
			all.debts += seen.debts
			all.unseen += seen.unseen
		}
		if all.admitted == 0 || all.settled == 0 || all.debts == 0 || all.unseen == 0 {
			t.Errorf("nothing was shown: %+v", all)
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
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
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

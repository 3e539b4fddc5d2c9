package main

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/go-weir/weir/bench/shared/round"
)

// decide runs a load against two functions, one for keys that are not full and one for those that are.
func decide(t *testing.T, order round.Order, open, full Allow) (round.Tally, *hdrhistogram.Histogram) {
	t.Helper()
	keys := []string{"o0", "o1", "o2", "o3"}
	l := &load{order: order, open: open, full: full, keys: keys[:max(1, order.Keys.Count)], fullKeys: []string{"f"}}
	tally := l.measure(&wire{})
	latency, err := hdrhistogram.Decode(tally.Latency)
	if err != nil {
		t.Fatal(err)
	}
	return tally, latency
}

func admit(context.Context, string) (bool, error)  { return true, nil }
func refuse(context.Context, string) (bool, error) { return false, nil }

// TestClosedLoop: without a rate, each goroutine calls again as soon as it has an answer, until the time is over.
func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := func(ctx context.Context, key string) (bool, error) {
			time.Sleep(10 * time.Millisecond) // in the fake time of synctest
			return true, nil
		}
		tally, latency := decide(t, round.Order{Goroutines: 3, For: time.Second}, takes, nil)
		if tally.Calls != 300 || tally.Admitted != 300 || tally.Took != time.Second {
			t.Errorf("%+v, want 300 calls in a second", tally)
		}
		if low, high := latency.Min(), latency.Max(); low < 9_900_000 || high > 10_200_000 {
			t.Errorf("latencies are %d to %d ns, want 10 ms", low, high)
		}
	})
}

// TestCoordinatedOmission: if a server stalls for half a second, the latency of the calls that were due meanwhile includes
// their wait.
func TestCoordinatedOmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		stalls := func(ctx context.Context, key string) (bool, error) {
			if calls.Add(1) == 100 {
				time.Sleep(500 * time.Millisecond) // in the fake time of synctest
			}
			return true, nil
		}
		tally, latency := decide(t, round.Order{Goroutines: 1, For: time.Second, Rate: 1000}, stalls, nil)
		if tally.Calls != 1000 {
			t.Errorf("%d calls, want the 1000 that became due", tally.Calls)
		}
		// 500 were due during the stall, and waited for 0 to 500 ms.
		if p := latency.ValueAtQuantile(75); p < 240_000_000 || p > 260_000_000 {
			t.Errorf("a quarter waited %d ns or more, want a quarter of a second", p)
		}
		if p := latency.ValueAtQuantile(49); p > 1000 {
			t.Errorf("half waited %d ns, want nothing", p)
		}
	})
}

// TestShares: a load sends the ordered share of requests to full keys, and counts wrong decisions.
func TestShares(t *testing.T) {
	order := round.Order{Goroutines: 4, Calls: 10_000, Denied: 0.3, Seed: 1}
	right, _ := decide(t, order, admit, refuse)
	if right.Calls != 10_000 || right.Denied < 2800 || right.Denied > 3200 || right.WronglyDenied+right.WronglyAdmitted != 0 {
		t.Errorf("%+v, want 3000 or so denied", right)
	}
	wrong, _ := decide(t, order, refuse, admit)
	if wrong.Calls != 10_000 || wrong.WronglyDenied != wrong.Denied || wrong.WronglyAdmitted != wrong.Admitted {
		t.Errorf("%+v, want all of them wrong", wrong)
	}
	broken := errors.New("broken")
	failed, _ := decide(t, order, func(context.Context, string) (bool, error) { return false, broken }, refuse)
	if failed.Failed+failed.Denied != 10_000 || failed.Failed < 6800 || failed.FirstFailure != "broken" || failed.WronglyDenied != 0 {
		t.Errorf("%+v, want those at keys that are not full to fail", failed)
	}
}

// TestKeys: a load calls for all keys equally often. With Zipf's law, it calls for the first key far more often than for the
// last.
func TestKeys(t *testing.T) {
	count := func(keys round.Keys) map[string]int {
		var mu sync.Mutex
		asked := map[string]int{}
		decide(t, round.Order{Goroutines: 2, Calls: 8000, Keys: keys, Seed: 7}, func(_ context.Context, key string) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			asked[key]++
			return true, nil
		}, nil)
		return asked
	}
	if asked := count(round.Keys{Count: 1}); !maps.Equal(asked, map[string]int{"o0": 8000}) {
		t.Errorf("one key: %v", asked)
	}
	for key, n := range count(round.Keys{Count: 4}) {
		if n < 1800 || n > 2200 {
			t.Errorf("%s was asked for %d times, want 2000 or so", key, n)
		}
	}
	if asked := count(round.Keys{Count: 4, Zipf: 2}); asked["o0"] < 4*asked["o2"] || asked["o3"] == 0 {
		t.Errorf("by Zipf's law: %v", asked)
	}
}

func TestTraced(t *testing.T) {
	tally, _ := decide(t, round.Order{Goroutines: 2, Calls: 100, Traced: true}, admit, nil)
	if len(tally.Events) != 100 {
		t.Fatalf("%d events of 100 calls", len(tally.Events))
	}
	for _, e := range tally.Events {
		if !e.Allowed || e.Failed || e.Ended < e.Began {
			t.Errorf("%+v", e)
		}
	}
}

func TestCountCommands(t *testing.T) {
	for text, want := range map[string]map[string]int64{
		"*1\r\n$4\r\nPING\r\n": {"ping": 1},
		"*2\r\n$3\r\nget\r\n$4\r\n*1\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n":        {"get": 2},
		"*3\r\n$7\r\nEVALSHA\r\n$1\r\nx\r\n$1\r\n0\r\n*1\r\n$4\r\nTIME\r\n*1\r\n": {"evalsha": 1, "time": 1},
		"garbage":                 {},
		"*2\r\n$3\r\nGET\r\n$9\r": {"get": 1},
	} {
		got := map[string]int64{}
		countCommands([]byte(text), got)
		if !maps.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestNobodyThere: a worker that is started by hand ends with an error.
func TestNobodyThere(t *testing.T) {
	var answers strings.Builder
	if err := serve(strings.NewReader(""), &answers); err == nil || answers.Len() > 0 {
		t.Errorf("without a setup: %v, %q", err, answers.String())
	}
}

package httplimit_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// A counted limiter passes calls on to another limiter when the test lets it, and counts the calls that are under way.
type counted struct {
	algorithms.Limiter
	let       chan struct{} // calls wait until it is closed; nil: they don't wait
	out, most atomic.Int64
	asked     atomic.Int64
}

func (c *counted) question(ctx context.Context) (done func()) {
	c.asked.Add(1)
	out := c.out.Add(1)
	for most := c.most.Load(); out > most && !c.most.CompareAndSwap(most, out); most = c.most.Load() {
	}
	if c.let != nil {
		select {
		case <-c.let:
		case <-ctx.Done():
		}
	}
	return func() { c.out.Add(-1) }
}

func (c *counted) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	defer c.question(ctx)()
	return c.Limiter.AllowN(ctx, key, n)
}

func (c *counted) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	defer c.question(ctx)()
	return c.Limiter.PeekN(ctx, key, n)
}

// flood makes many requests at once, and counts the outcomes.
func flood(n int, ask func(i int) httplimit.Outcome) (outcomes map[httplimit.Outcome]int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	outcomes = map[httplimit.Outcome]int{}
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			outcome := ask(i)
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome]++
		}()
	}
	all.Wait()
	return outcomes
}

// TestFloodOfOneKey: of 5,000 requests of one key at once exactly the limit is admitted, at most 32 calls are under way at
// a time, and most of the requests share a denial.
func TestFloodOfOneKey(t *testing.T) {
	clock := limitertest.NewClock(start)
	c := &counted{Limiter: must(gcra.NewLocal(algorithms.PerHour(5), algorithms.WithClock(clock.Now))), let: make(chan struct{})}
	d := decider(t, c, httplimit.OnFailure(httplimit.Refuse))
	go func() {
		until(func() bool { return c.out.Load() == 32 && httplimit.Waiting() == 5000-32 })
		close(c.let)
	}()
	outcomes := flood(5000, func(int) httplimit.Outcome {
		decision := decide(context.Background(), d)
		if decision.Outcome == httplimit.Denied && (decision.RetryAfter <= 0 || decision.RetryAfter > 12*time.Minute) {
			t.Errorf("a denial tells to wait %v", decision.RetryAfter)
		}
		return decision.Outcome
	})
	if outcomes[httplimit.Pass] != 5 || outcomes[httplimit.Denied] != 4995 {
		t.Errorf("outcomes %v, want 5 admitted and all others denied", outcomes)
	}
	if c.most.Load() > 32 {
		t.Errorf("%d questions were out at once", c.most.Load())
	}
	if c.asked.Load() > 100 {
		t.Errorf("%d questions were asked, want most of the denials shared", c.asked.Load())
	}
}

// TestFloodOfSeveral: a request shares a denial only if it has the same key, limiter and kind, and its cost isn't smaller.
// All other requests call the limiter in turn.
func TestFloodOfSeveral(t *testing.T) {
	clock := algorithms.WithClock(limitertest.NewClock(start).Now)
	base := must(gcra.NewLocal(algorithms.PerHour(10), clock))
	c := &counted{Limiter: base}
	gold := &counted{Limiter: must(gcra.NewLocal(algorithms.PerHour(100), clock))}
	d := decider(t, c, httplimit.OnFailure(httplimit.Refuse), httplimit.Key(httplimit.Header("Key")),
		httplimit.Cost(func(r *http.Request) int64 { return int64(len(r.Header.Get("Cost"))) }),
		httplimit.LimiterFunc(func(r *http.Request) algorithms.Limiter {
			if r.Header.Get("Plan") == "gold" {
				return gold
			}
			return nil
		}))
	ask := func(key, cost, plan string) httplimit.Outcome {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Key", key)
		r.Header.Set("Cost", cost)
		r.Header.Set("Plan", plan)
		return d.Decide(r).Outcome
	}
	var large, small, gilded atomic.Int64
	flood(3000, func(i int) httplimit.Outcome {
		switch i % 4 {
		case 0: // a cost of 7 fits once into the limit of 10
			if ask("a", "7777777", "") == httplimit.Pass {
				large.Add(1)
			}
		case 1:
			if ask("b", "1", "") == httplimit.Pass {
				small.Add(1)
			}
		case 2:
			if ask("b", "1", "gold") == httplimit.Pass {
				gilded.Add(1)
			}
		}
		return httplimit.Pass
	})
	if large.Load() != 1 || small.Load() != 10 || gilded.Load() != 100 {
		t.Errorf("admitted %d of cost 7, %d of cost 1 and %d of the other limiter, want 1, 10 and 100", large.Load(), small.Load(), gilded.Load())
	}
	c.let = make(chan struct{})
	go func() {
		until(func() bool { return c.out.Load() == 32 && httplimit.Waiting() == 400-32 })
		close(c.let)
	}()
	mixed := flood(400, func(i int) httplimit.Outcome {
		if i%2 == 0 {
			return ask("c", "7777777", "")
		}
		return ask("c", "1", "")
	})
	if r := must(base.Peek(context.Background(), "c")); r.Remaining != 0 {
		t.Errorf("outcomes %v leave room for %d of cost 1, though they were asked for", mixed, r.Remaining)
	}
}

// TestFloodGivesUp: requests that wait for their turn fail at the Timeout, and are gone when their context ends. Requests
// after them are not affected.
func TestFloodGivesUp(t *testing.T) {
	c := &counted{Limiter: must(gcra.NewLocal(algorithms.PerHour(1000))), let: make(chan struct{})}
	patient := decider(t, c, httplimit.OnFailure(httplimit.Refuse), httplimit.OnError(func(*http.Request, httplimit.Failure) {}))
	answered := make(chan map[httplimit.Outcome]int)
	go func() {
		answered <- flood(32, func(int) httplimit.Outcome { return decide(context.Background(), patient).Outcome })
	}()
	until(func() bool { return c.out.Load() == 32 })
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan map[httplimit.Outcome]int)
	go func() {
		gone <- flood(100, func(int) httplimit.Outcome { return decide(ctx, patient).Outcome })
	}()
	until(func() bool { return httplimit.Waiting() == 100 })
	cancel()
	if outcomes := <-gone; outcomes[httplimit.Gone] != 100 {
		t.Errorf("outcomes %v, want all gone", outcomes)
	}
	ended, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if outcome := decide(ended, patient).Outcome; outcome != httplimit.Gone {
		t.Errorf("outcome %v, want it gone at its deadline", outcome)
	}
	if c.asked.Load() != 32 {
		t.Errorf("%d questions were asked, want 32", c.asked.Load())
	}
	close(c.let)
	if outcomes := <-answered; outcomes[httplimit.Pass] != 32 {
		t.Errorf("outcomes %v", outcomes)
	}
	if outcomes := flood(500, func(int) httplimit.Outcome { return decide(context.Background(), patient).Outcome }); outcomes[httplimit.Pass] != 500 {
		t.Errorf("outcomes %v", outcomes)
	}
}

// TestFloodTimesOut: if a request's turn doesn't come in time, the policy decides, and the server doesn't count as
// away.
func TestFloodTimesOut(t *testing.T) {
	c := &counted{Limiter: must(gcra.NewLocal(algorithms.PerHour(1000))), let: make(chan struct{})}
	var mu sync.Mutex
	var told []error
	limit := decider(t, c, httplimit.OnFailure(httplimit.Refuse), httplimit.Timeout(200*time.Millisecond),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, f.Err)
		}))
	outcomes := flood(64, func(int) httplimit.Outcome { return decide(context.Background(), limit).Outcome })
	if outcomes[httplimit.Unavailable] != 64 || len(told) != 64 {
		t.Errorf("outcomes %v, the hook was called %d times", outcomes, len(told))
	}
}

// TestFloodPanics: a call that panics ends its turn, so that later requests don't wait for it.
func TestFloodPanics(t *testing.T) {
	d := decider(t, nowhere{func(context.Context, int64) (algorithms.Result, error) { panic(errBroken) }}, httplimit.Timeout(0))
	flood(500, func(int) (outcome httplimit.Outcome) {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, errBroken) {
				t.Error("no panic")
			}
		}()
		return decide(context.Background(), d).Outcome
	})
	if outcomes := flood(500, func(int) httplimit.Outcome { return decide(context.Background(), decider(t, nowhere{yes})).Outcome }); outcomes[httplimit.Pass] != 500 {
		t.Errorf("outcomes %v", outcomes)
	}
}

package httplimit_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// TestTogetherRaceAway: while the server is away, requests that one limiter denies aren't charged to the other one either.
func TestTogetherRaceAway(t *testing.T) {
	run := newWire(t)
	run.fails = errDown
	first, second := must(gcra.New(run, algorithms.PerDay(1000))), must(gcra.New(run, algorithms.PerDay(10)))
	h := limitOf(first, ofOneKey, quiet, httplimit.Also(second, httplimit.Name("second"), ofOneKey))(served)
	flood(1000, func(int) httplimit.Outcome {
		get(h, "192.0.2.1")
		return httplimit.Pass
	})
	got, err := must(first.Local()).Peek(context.Background(), "k")
	if err != nil || got.Remaining != 990 {
		t.Errorf("the first has %d left (%v), want 990", got.Remaining, err)
	}
}

// TestTogetherFails: if the question to all limiters fails, each limiter's policy decides. The limiters of the policies decide as
// one too.
func TestTogetherFails(t *testing.T) {
	for name, c := range map[string]struct {
		first, second httplimit.Policy
		outcomes      string
		told          string // the failures of the first request
	}{
		"local":             {httplimit.Local, httplimit.Local, "pass pass denied denied denied denied denied", "first local, second local"},
		"local and pass":    {httplimit.Local, httplimit.LetPass, "pass pass denied denied denied denied denied", "first local, second let pass"},
		"pass and local":    {httplimit.LetPass, httplimit.Local, "pass pass pass denied denied denied denied", "first let pass, second local"},
		"pass and fallback": {httplimit.LetPass, httplimit.FallBack(nowhere{no}), "denied denied denied denied denied denied denied", "first let pass, second fall back"},
		"refuse":            {httplimit.Local, httplimit.Refuse, "unavailable unavailable unavailable unavailable unavailable unavailable unavailable", "first local, second refuse"},
		"refuse at first":   {httplimit.Refuse, httplimit.Local, "unavailable unavailable unavailable unavailable unavailable unavailable unavailable", "first refuse"},
	} {
		t.Run(name, func(t *testing.T) {
			run := newWire(t)
			run.fails = errDown
			var told, outcomes []string
			d := decider(t, must(gcra.New(run, algorithms.PerDay(2))), httplimit.Name("first"), httplimit.OnFailure(c.first), httplimit.WithClock(limitertest.NewClock(start).Now),
				httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { told = append(told, fmt.Sprint(f.Limiter, " ", f.Policy)) }),
				httplimit.Also(must(gcra.New(run, algorithms.PerDay(3))), httplimit.Name("second"), ofOneKey, httplimit.OnFailure(c.second)))
			for i := range 7 {
				outcomes = append(outcomes, decide(context.Background(), d).Outcome.String())
				if i == 0 && strings.Join(told, ", ") != c.told {
					t.Errorf("the hook got %q, want %q", told, c.told)
				}
			}
			if got := strings.Join(outcomes, " "); got != c.outcomes {
				t.Errorf("outcomes %s, want %s", got, c.outcomes)
			}
			if ran := run.took(); ran != "allof allof allof allof allof" {
				t.Errorf("ran %q, want it away after five", ran)
			}
		})
	}
}

// TestTogetherGone: a client that has gone is charged to none.
func TestTogetherGone(t *testing.T) {
	run := newWire(t)
	d := decider(t, must(gcra.New(run, algorithms.PerDay(2))), httplimit.Also(must(gcra.New(run, algorithms.PerDay(3))), httplimit.Name("b"), ofOneKey))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := decide(ctx, d); got.Outcome != httplimit.Gone || run.took() != "" {
		t.Errorf("%v, want it gone, and nothing asked", got.Outcome)
	}
}

// TestTogetherFlood: at most 32 calls about a key are under way at a time, even if requests have different keys for another
// limiter. Most requests share the denials of their common key. Denials of other keys are not shared.
func TestTogetherFlood(t *testing.T) {
	const requests = 1000
	run := newWire(t)
	run.let = make(chan struct{})
	h := limitOf(must(gcra.New(run, algorithms.PerDay(2))), byUser, httplimit.OnFailure(httplimit.Refuse),
		httplimit.Also(must(gcra.New(run, algorithms.PerDay(5))), httplimit.Name("all"), ofOneKey, httplimit.OnFailure(httplimit.Refuse)))(served)
	go func() {
		until(func() bool { return run.out.Load() == 32 && httplimit.Waiting() >= requests-64 })
		close(run.let)
	}()
	outcomes := flood(requests, func(i int) httplimit.Outcome {
		switch code := as(h, fmt.Sprint("user ", i%500)).Code; code {
		case 200:
			return httplimit.Pass
		case 429:
			return httplimit.Denied
		default:
			t.Errorf("status %d", code)
			return httplimit.Gone
		}
	})
	if outcomes[httplimit.Pass] != 5 || run.most.Load() > 32 {
		t.Errorf("%v, %d questions at a time, want 5 admitted, and 32 at most", outcomes, run.most.Load())
	}
	if asked := strings.Count(run.took(), "allof"); asked > 100 {
		t.Errorf("%d questions, want most of the denials shared", asked)
	}
	if n := httplimit.Waiting(); n > 0 {
		t.Errorf("%d requests wait still", n)
	}
}

package httplimit_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// A hang is a limiter that ignores its context, and answers when the test lets it.
type hang struct {
	mu    sync.Mutex
	let   chan struct{}
	under atomic.Int64 // questions under way
}

func (h *hang) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	h.under.Add(1)
	defer h.under.Add(-1)
	h.mu.Lock()
	let := h.let
	h.mu.Unlock()
	<-let
	return algorithms.Result{Limit: 1, RetryAfter: time.Second}, nil
}

func (h *hang) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return h.AllowN(ctx, key, 1)
}

func (h *hang) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return h.AllowN(ctx, key, 1)
}

func (h *hang) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return h.AllowN(ctx, key, n)
}

func (h *hang) Reset(context.Context, string) error { return nil }

// told is a function for OnError that keeps the failures that it gets.
type told []error

func (t *told) hook() httplimit.DeciderOption {
	return httplimit.OnError(func(_ *http.Request, f httplimit.Failure) { *t = append(*t, f.Err) })
}

func decide(ctx context.Context, d *httplimit.Decider) httplimit.Decision {
	return d.Decide(httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
}

// until waits until other goroutines have made a condition true.
func until(done func() bool) {
	for !done() {
		runtime.Gosched()
	}
}

// TestDeadline: a request doesn't wait for a limiter that ignores its context. A later answer is
// dropped, and doesn't answer another question.
func TestDeadline(t *testing.T) {
	h := &hang{let: make(chan struct{})}
	var told told
	d := decider(t, h, httplimit.Timeout(time.Millisecond), told.hook())
	const questions = 4 // with one more the limiter would count as away
	for range questions {
		if outcome := decide(context.Background(), d).Outcome; outcome != httplimit.Pass {
			t.Fatalf("outcome %v, want it let pass", outcome)
		}
	}
	if len(told) != questions || !errors.Is(told[0], context.DeadlineExceeded) {
		t.Fatalf("the hook got %v, want %d times that the deadline was exceeded", told, questions)
	}
	until(func() bool { return h.under.Load() == questions })
	close(h.let)
	until(func() bool { return h.under.Load() == 0 })
	d = decider(t, nowhere{yes})
	for range 2 * questions {
		if outcome := decide(context.Background(), d).Outcome; outcome != httplimit.Pass {
			t.Fatal("a late denial was taken for an answer")
		}
	}
}

// TestHung: while 1,024 questions that were given up still run, the limiter is not asked. When they have ended, it
// is asked again. The limiter of FallBack is asked in the meantime.
func TestHung(t *testing.T) {
	const most = 1024
	h := &hang{let: make(chan struct{})}
	var told told
	var asked []string
	d := decider(t, h, told.hook(), httplimit.OnFailure(httplimit.FallBack(&stub{"f", &asked, no})))
	for n := range int64(most) {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			until(func() bool { return h.under.Load() == n+1 })
			cancel()
		}()
		if outcome := decide(ctx, d).Outcome; outcome != httplimit.Gone {
			t.Fatalf("outcome %v, want the client gone", outcome)
		}
	}
	for range 3 {
		if got := decide(context.Background(), d); got.Outcome != httplimit.Denied || got.RetryAfter != 7*time.Second {
			t.Fatalf("decided %+v, want the fallback's denial", got)
		}
	}
	if len(told) != 3 || !errors.Is(told[0], httplimit.ErrHung) || h.under.Load() != most || len(asked) != 3 {
		t.Errorf("the hook got %v, %d questions hang, fallback asked %q", told, h.under.Load(), asked)
	}
	close(h.let)
	until(func() bool { return decide(context.Background(), d).RetryAfter == time.Second }) // the limiter's own answer
}

// TestGone: the end of a request doesn't count as a failure of the limiter, whatever the policy, so no hook is called.
func TestGone(t *testing.T) {
	for _, policy := range []httplimit.Policy{httplimit.LetPass, httplimit.Refuse, httplimit.FallBack(nowhere{yes})} {
		h := &hang{let: make(chan struct{})}
		var told told
		d := decider(t, h, httplimit.OnFailure(policy), told.hook())
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			until(func() bool { return h.under.Load() == 1 })
			cancel()
		}()
		if outcome := decide(ctx, d).Outcome; outcome != httplimit.Gone || len(told) > 0 {
			t.Errorf("%v: outcome %v, the hook got %v", policy, outcome, told)
		}
		if outcome := decide(ctx, d).Outcome; outcome != httplimit.Gone || h.under.Load() != 1 {
			t.Errorf("%v: outcome %v, want it not asked again", policy, outcome)
		}
		close(h.let)
	}
}

// TestContext: the limiter's context has the request's values and the earlier one of both deadlines. It ends at the
// timeout, when the request ends, and when the question is answered.
func TestContext(t *testing.T) {
	type key struct{}
	far := time.Now().Add(time.Minute)
	base := context.WithValue(context.Background(), key{}, "v")
	soon, cancelSoon := context.WithDeadline(base, far)
	defer cancelSoon()
	var seen context.Context
	look := func(ctx context.Context, _ int64) (algorithms.Result, error) {
		seen = ctx
		if ctx.Value(key{}) != "v" || ctx.Err() != nil {
			t.Errorf("value %v, error %v", ctx.Value(key{}), ctx.Err())
		}
		return yes(ctx, 1)
	}
	d := decider(t, nowhere{look})
	began := time.Now()
	decide(base, d)
	if at, ok := seen.Deadline(); !ok || at.Before(began.Add(time.Hour)) || at.After(time.Now().Add(time.Hour)) {
		t.Errorf("deadline %v, %v, want an hour from %v", at, ok, began)
	}
	if <-seen.Done(); !errors.Is(seen.Err(), context.Canceled) { // the first call of Done, after the end
		t.Errorf("afterwards its error is %v", seen.Err())
	}
	decide(soon, d)
	if at, ok := seen.Deadline(); !ok || !at.Equal(far) {
		t.Errorf("deadline %v, %v, want the request's", at, ok)
	}

	ended := make(chan error, 1)
	wait := func(ctx context.Context, _ int64) (algorithms.Result, error) {
		inner, cancel := context.WithCancel(ctx) // a context derived from it ends with it
		defer cancel()
		<-inner.Done()
		<-ctx.Done()
		ended <- ctx.Err()
		return algorithms.Result{}, ctx.Err()
	}
	decide(context.Background(), decider(t, nowhere{wait}, httplimit.Timeout(time.Millisecond)))
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the timeout the error is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	decide(ctx, decider(t, nowhere{func(ctx context.Context, n int64) (algorithms.Result, error) {
		cancel()
		return wait(ctx, n)
	}}))
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("when the client goes the error is %v", err)
	}
}

// TestNoTimeout: with a timeout of 0 the limiter is asked in this goroutine, with the request's own context.
func TestNoTimeout(t *testing.T) {
	ctx := context.WithValue(context.Background(), http.ServerContextKey, "v")
	var seen context.Context
	d := decider(t, nowhere{func(ctx context.Context, n int64) (algorithms.Result, error) {
		seen = ctx
		return yes(ctx, n)
	}}, httplimit.Timeout(0))
	if decide(ctx, d); seen != ctx {
		t.Errorf("asked with %v, want the request's context", seen)
	}
}

// TestPanic: a limiter's panic reaches the goroutine of the request, where net/http recovers it.
func TestPanic(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Hour} {
		d := decider(t, nowhere{func(context.Context, int64) (algorithms.Result, error) { panic(errBroken) }}, httplimit.Timeout(timeout))
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, errBroken) {
					t.Errorf("timeout %v: recovered %v, want the limiter's panic", timeout, err)
				}
			}()
			decide(context.Background(), d)
		}()
	}
	// The next call must not panic with the same value.
	if outcome := decide(context.Background(), decider(t, nowhere{no})).Outcome; outcome != httplimit.Denied {
		t.Errorf("after a panic the outcome is %v", outcome)
	}
}

// TestGoexit: a limiter that ends its goroutine has given no answer.
func TestGoexit(t *testing.T) {
	var told told
	d := decider(t, nowhere{func(context.Context, int64) (algorithms.Result, error) {
		runtime.Goexit()
		return algorithms.Result{}, nil
	}}, told.hook())
	if outcome := decide(context.Background(), d).Outcome; outcome != httplimit.Pass || len(told) != 1 {
		t.Errorf("outcome %v, the hook got %v", outcome, told)
	}
}

// TestManyAtOnce: each question gets its own answer while others are given up.
func TestManyAtOnce(t *testing.T) {
	slow := func(ctx context.Context, _ int64) (algorithms.Result, error) {
		<-ctx.Done()
		return algorithms.Result{Limit: 1, RetryAfter: time.Second}, nil
	}
	givenUp := decider(t, nowhere{slow}, httplimit.Timeout(time.Microsecond))
	admitted, denied := decider(t, nowhere{yes}), decider(t, nowhere{no})
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 500 {
				decide(context.Background(), givenUp)
				if outcome := decide(context.Background(), admitted).Outcome; outcome != httplimit.Pass {
					t.Errorf("outcome %v, want a pass", outcome)
				}
				if outcome := decide(context.Background(), denied).Outcome; outcome != httplimit.Denied {
					t.Errorf("outcome %v, want a denial", outcome)
				}
			}
		}()
	}
	all.Wait()
}

// nowhere is a stub that records nothing.
type nowhere struct{ answer answer }

func (n nowhere) Allow(ctx context.Context, _ string) (algorithms.Result, error) {
	return n.answer(ctx, 1)
}

func (n nowhere) AllowN(ctx context.Context, _ string, cost int64) (algorithms.Result, error) {
	return n.answer(ctx, cost)
}

func (n nowhere) Peek(ctx context.Context, _ string) (algorithms.Result, error) {
	return n.answer(ctx, 0)
}

func (n nowhere) PeekN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	return n.answer(ctx, 0)
}

func (n nowhere) Reset(context.Context, string) error { return nil }

package httplimit

import (
	"context"
	"errors"
	"hash/maphash"
	"runtime"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/ask"
)

// TestShares: a denial answers only a request of the same kind for which it holds.
func TestShares(t *testing.T) {
	began, one, other := time.Now(), new(target), new(target)
	denied := algorithms.Result{Limit: 10, RetryAfter: time.Millisecond}
	asked := waiter{target: one, key: "k", cost: 3, arrived: began}
	for name, c := range map[string]struct {
		change func(w *waiter)
		shares bool
	}{
		"the same":                      {func(*waiter) {}, true},
		"another key":                   {func(w *waiter) { w.key = "l" }, false},
		"another limiter":               {func(w *waiter) { w.target = other }, false},
		"a peek":                        {func(w *waiter) { w.peek = true }, false},
		"a smaller cost":                {func(w *waiter) { w.cost = 2 }, false},
		"a larger cost":                 {func(w *waiter) { w.cost = 10 }, true},
		"a cost that never fits":        {func(w *waiter) { w.cost = 11 }, false},
		"came before it was asked":      {func(w *waiter) { w.arrived = began.Add(-time.Hour) }, true},
		"came before the wait was over": {func(w *waiter) { w.arrived = began.Add(time.Millisecond - 1) }, true},
		"came when it was over":         {func(w *waiter) { w.arrived = began.Add(time.Millisecond) }, false},
	} {
		w := asked
		if c.change(&w); w.shares(&asked, denied) != c.shares {
			t.Errorf("%s: shares %v, want %v", name, !c.shares, c.shares)
		}
	}
}

// TestAged: if a denial is shared some time after it came, its wait is shorter by that time, but at least a microsecond.
func TestAged(t *testing.T) {
	result := algorithms.Result{Limit: 10, RetryAfter: time.Hour, ResetAfter: 2 * time.Hour}
	got := denial{result, time.Now().Add(-time.Minute)}.aged()
	if got.RetryAfter > 59*time.Minute || got.RetryAfter < 50*time.Minute || got.ResetAfter-got.RetryAfter != time.Hour || got.RetryAfter%time.Microsecond != 0 {
		t.Errorf("a minute later %+v", got)
	}
	if got := (denial{result, time.Now().Add(-3 * time.Hour)}).aged(); got.RetryAfter != time.Microsecond || got.ResetAfter != time.Microsecond {
		t.Errorf("when it is over %+v", got)
	}
}

// hung is a limiter that answers when its context ends.
type hung struct {
	algorithms.Limiter
	called chan bool // receives when it is called
}

func (h hung) AllowN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	h.called <- true
	<-ctx.Done()
	return algorithms.Result{}, ctx.Err()
}

// TestLateTurn: if a call has waited for its turn and then gets no answer in the rest of its Timeout, that says nothing
// about the server. So the limiter doesn't count as asked. The test doubles the Timeout until the turn comes before it passes.
func TestLateTurn(t *testing.T) {
	s := &slots[maphash.String(seed, "k")%uint64(len(slots))]
	for timeout, inTime := 10*time.Millisecond, false; !inTime; timeout *= 2 {
		for range mostOut {
			s.enter()
		}
		limiter := hung{called: make(chan bool, 1)}
		one := &target{limiter: limiter, server: &server{}}
		verdict := make(chan bool, 1)
		go func() {
			_, asked, err := one.takeTurn(context.Background(), ask.Question{Limiter: limiter, Key: "k", Cost: 1, Timeout: timeout}, 0)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want a timeout", err)
			}
			verdict <- asked
		}()
		for Waiting() == 0 && len(verdict) == 0 {
			runtime.Gosched()
		}
		for range mostOut {
			if s.state.Add(-1) >= crowded {
				s.left(false, &waiter{}, algorithms.Result{})
			}
		}
		if <-verdict {
			t.Error("it counts as asked")
		}
		if state := s.state.Load(); state != 0 {
			t.Errorf("afterwards the slot's state is %d", state)
		}
		select {
		case inTime = <-limiter.called:
		default:
		}
	}
}

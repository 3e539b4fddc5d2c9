package algorithmtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// settlesWrongly: requests and settlements that are impossible return an error that says so, and nothing is sent.
func (a Algorithm) settlesWrongly(t *testing.T, factory limitertest.Factory) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	clock := limitertest.NewClock(Start) // an aligned window may not end during the test
	made, err := factory(a.Fitting(algorithms.PerHour(10).WithBurst(5)), algorithms.WithClock(clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	l, ctx := made.(full), context.Background()
	capacity := int64(10) // or the burst, if there is one
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

// largeDebts: a debt of any size is exact or refused, and all debts of a key together are bounded.
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
			for range 3 { // three of the largest debts reach the bound
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

// Settlements tests reservations and AllowAtMost over Local, with random histories, and over the scripts on an embedded
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
	// The first two run over Local only. Alike compares Local with the scripts.
	t.Run("RapidHistories", func(t *testing.T) { a.SettlesByRapid(t, a.Local, model) })
	t.Run("LeavesNoTrace", func(t *testing.T) { a.LeavesNoTrace(t, a.Local) })
	t.Run("Alike", a.SettlesAlike)
	t.Run("Nonsense", a.settlesNonsense)
}

// settlesNonsense: an impossible reply of a script is an error that says so.
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

// replying is a runner whose replies the test chooses.
type replying func(s *scripts.Script) []int64

func (r replying) Run(_ context.Context, s *scripts.Script, _, _ []string) ([]int64, error) {
	return r(s), nil
}

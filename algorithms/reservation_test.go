package algorithms_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-weir/weir/algorithms"
)

// settlements records the arguments of a Reservation's settle.
type settlements struct {
	used []int64
	err  error
}

func (s *settlements) settle(_ context.Context, used int64) error {
	s.used = append(s.used, used)
	return s.err
}

func TestReservationSettlesOnce(t *testing.T) {
	ctx := context.Background()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	lost := errors.New("lost")
	commit := func(ctx context.Context, used int64) func(*algorithms.Reservation) error {
		return func(r *algorithms.Reservation) error { return r.Commit(ctx, used) }
	}
	for _, c := range []struct {
		name    string
		allowed bool
		fails   error
		first   func(*algorithms.Reservation) error
		want    error // of the first settlement
		again   error // of a second settlement, with 2 used
		used    []int64
	}{
		{"less", true, nil, commit(ctx, 3), nil, algorithms.ErrSettled, []int64{3}},
		{"more", true, nil, commit(ctx, 9), nil, algorithms.ErrSettled, []int64{9}},
		{"exactly", true, nil, commit(ctx, 5), nil, algorithms.ErrSettled, nil},
		{"exactly, in a context that has ended", true, nil, commit(ended, 5), nil, algorithms.ErrSettled, nil},
		{"cancel", true, nil, func(r *algorithms.Reservation) error { return r.Cancel(ctx) }, nil, algorithms.ErrSettled, []int64{0}},
		{"below 0", true, nil, commit(ctx, -1), algorithms.ErrInvalidCost, nil, []int64{2}},
		{"too much", true, fmt.Errorf("far: %w", algorithms.ErrInvalidCost), commit(ctx, 9), algorithms.ErrInvalidCost, algorithms.ErrInvalidCost, []int64{9, 2}},
		{"no time", true, algorithms.ErrInvalidTime, commit(ctx, 4), algorithms.ErrInvalidTime, algorithms.ErrInvalidTime, []int64{4, 2}},
		{"a context that has ended", true, nil, commit(ended, 3), context.Canceled, nil, []int64{2}},
		{"a lost reply", true, lost, commit(ctx, 3), lost, algorithms.ErrSettled, []int64{3}},
		{"a denied one", false, nil, commit(ctx, 3), nil, nil, nil},
		{"a denied one, below 0", false, nil, commit(ctx, -3), algorithms.ErrInvalidCost, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settlements{err: c.fails}
			result := algorithms.Result{Allowed: c.allowed, Limit: 10, Remaining: 5}
			r := algorithms.NewReservation(result, 5, s.settle)
			if r.Result() != result {
				t.Errorf("Result is %+v, want %+v", r.Result(), result)
			}
			// select chooses at random between a free turn and an ended context, so that one attempt may not find an error.
			for range 20 {
				if c.name != "exactly, in a context that has ended" {
					break
				}
				if err := algorithms.NewReservation(result, 5, s.settle).Commit(ended, 5); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.first(r); !errors.Is(err, c.want) {
				t.Errorf("the first settlement: %v, want %v", err, c.want)
			}
			if err := r.Commit(ctx, 2); !errors.Is(err, c.again) {
				t.Errorf("the second settlement: %v, want %v", err, c.again)
			}
			if fmt.Sprint(s.used) != fmt.Sprint(c.used) {
				t.Errorf("settled with %v, want %v", s.used, c.used)
			}
		})
	}
}

func TestReservationRace(t *testing.T) {
	ctx := context.Background()
	var calls, won, lost atomic.Int64
	r := algorithms.NewReservation(algorithms.Result{Allowed: true}, 5, func(context.Context, int64) error {
		calls.Add(1)
		return nil
	})
	var racers sync.WaitGroup
	for range 16 {
		racers.Add(1)
		go func() {
			defer racers.Done()
			switch err := r.Cancel(ctx); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, algorithms.ErrSettled):
				lost.Add(1)
			default:
				t.Error(err)
			}
		}()
	}
	racers.Wait()
	if calls.Load() != 1 || won.Load() != 1 || lost.Load() != 15 {
		t.Errorf("%d calls, %d settled, %d too late, want 1, 1, 15", calls.Load(), won.Load(), lost.Load())
	}
}

// TestReservationWaits: a settlement waits for another one that is under way, as long as its context allows.
func TestReservationWaits(t *testing.T) {
	under, proceed := make(chan struct{}), make(chan struct{})
	r := algorithms.NewReservation(algorithms.Result{Allowed: true}, 5, func(context.Context, int64) error {
		close(under)
		<-proceed
		return nil
	})
	first := make(chan error)
	go func() { first <- r.Cancel(context.Background()) }()
	<-under
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Commit(ended, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("beside another: %v, want context.Canceled", err)
	}
	close(proceed)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := r.Commit(context.Background(), 5); !errors.Is(err, algorithms.ErrSettled) {
		t.Errorf("after another: %v, want ErrSettled", err)
	}
}

// TestReservationPanics: if settle panics, the Reservation counts as settled.
func TestReservationPanics(t *testing.T) {
	r := algorithms.NewReservation(algorithms.Result{Allowed: true}, 5, func(context.Context, int64) error { panic("a hook") })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = r.Cancel(context.Background())
	}()
	if err := r.Cancel(context.Background()); !errors.Is(err, algorithms.ErrSettled) {
		t.Errorf("after a panic: %v, want ErrSettled", err)
	}
}

// TestReservationRefused: a settlement that the server has refused as a whole can be repeated. One that it may have begun
// can't be repeated.
func TestReservationRefused(t *testing.T) {
	for text, again := range map[string]bool{
		"TRYAGAIN Multiple keys request during rehashing of slot":     true,
		"MOVED 3999 127.0.0.1:6381":                                   true,
		"READONLY You can't write against a read only replica.":       true,
		"OOM command not allowed when used memory > 'maxmemory'.":     true,
		"NOPERM User limiter has no permissions to run 'set'":         false,
		"read tcp 127.0.0.1:6379: connection reset by peer":           false,
		"WEIRSTATE the key holds no count of what was given back":     false,
		"weir: OOM is in the middle of what another error has to say": false,
	} {
		refusal := fmt.Errorf("goredisrunner: gcra_settle: %w", errors.New(text))
		calls := 0
		r := algorithms.NewReservation(algorithms.Result{Allowed: true}, 5, func(context.Context, int64) error {
			calls++
			return refusal
		})
		if err := r.Cancel(context.Background()); !errors.Is(err, refusal) {
			t.Errorf("%s: %v", text, err)
		}
		refusal = nil
		if err := r.Cancel(context.Background()); again != (err == nil) || !again && !errors.Is(err, algorithms.ErrSettled) || again != (calls == 2) {
			t.Errorf("%s: once more: %v after %d calls", text, err, calls)
		}
	}
}

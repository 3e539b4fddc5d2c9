package leakybucket_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
)

// held is a runner that calls after with each script that the server has answered, before it passes the reply on.
type held struct {
	scripts.Runner
	after func(ctx context.Context, s *scripts.Script) error
}

func (h held) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	reply, err := h.Runner.Run(ctx, s, keys, args)
	if err == nil {
		err = h.after(ctx, s)
	}
	return reply, err
}

func newQueue(t *testing.T, limit algorithms.Limit, after func(context.Context, *scripts.Script) error) *leakybucket.Queue {
	t.Helper()
	_, conn := resptest.Miniredis(t)
	q, err := leakybucket.NewQueue(held{conn, after}, limit)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestLateRepliesKeepApart: the answer to one Wait comes after the next Wait has returned. The two must not leave together.
func TestLateRepliesKeepApart(t *testing.T) {
	const interval = 300 * time.Millisecond
	late, release := make(chan bool, 1), make(chan bool)
	first := make(chan bool, 1)
	first <- true
	q := newQueue(t, algorithms.Per(1, interval).WithBurst(5), func(context.Context, *scripts.Script) error {
		select {
		case <-first:
			late <- true
			<-release
		default:
		}
		return nil
	})
	began := time.Now()
	returned := make(chan error)
	go func() { returned <- q.Wait(context.Background(), "k") }()
	<-late
	if err := q.Wait(context.Background(), "k"); err != nil { // its turn comes an interval after began
		t.Fatal(err)
	}
	close(release)
	if err := <-returned; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 2*interval-time.Millisecond {
		t.Errorf("both Waits have returned after %v, want the later one after %v, an interval behind the other", took, 2*interval)
	}
}

// timeToGiveBack is how long a Wait may try to give its place back. If it took longer, the place may still be taken.
const timeToGiveBack = time.Second / 4

// TestLateReplyNeedsNoSleep: if a late reply moves the departure to after the deadline, the place is given back at once.
func TestLateReplyNeedsNoSleep(t *testing.T) {
	for inTime := false; !inTime; {
		var began, deadline, replied time.Time
		q := newQueue(t, algorithms.PerHour(1), func(ctx context.Context, s *scripts.Script) error {
			if _, hurries := ctx.Deadline(); hurries && s == scripts.Queue {
				decided := time.Now() // or a moment before
				<-time.After(time.Until(deadline.Add(-time.Hour + decided.Sub(began))))
				replied = time.Now()
			}
			return nil
		})
		began = time.Now() // before the first place is taken; the second departs an hour later
		if err := q.Wait(context.Background(), "k"); err != nil {
			t.Fatal(err)
		}
		deadline = time.Now().Add(time.Hour + time.Millisecond)
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		if err := q.Wait(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("Wait = %v, want DeadlineExceeded before the deadline", err)
		}
		inTime = time.Since(replied) < timeToGiveBack
		if slot, err := q.Schedule(context.Background(), "k"); err != nil || inTime && (!slot.Accepted || slot.Queued != 1) {
			t.Errorf("after it %+v, %v, want the first place of the queue", slot, err)
		}
	}
}

// TestGivesBackOnce: the call that gives a place back has a context that ends soon, and is made once.
func TestGivesBackOnce(t *testing.T) {
	type key struct{}
	tries := 0
	for inTime := false; !inTime && tries == 0; {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
		q := newQueue(t, algorithms.PerHour(1), func(own context.Context, s *scripts.Script) error {
			if s != scripts.QueueCancel {
				cancel()
				return nil
			}
			tries++
			deadline, hurries := own.Deadline()
			if own.Value(key{}) != "value" || !hurries || time.Until(deadline) > time.Second {
				t.Errorf("a place is given back under %v, until %v", own, deadline)
			}
			return errors.New("no answer")
		})
		began := time.Now()
		if err := q.Wait(ctx, "k"); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait = %v, want context.Canceled", err)
		}
		inTime = time.Since(began) < timeToGiveBack
	}
	if tries != 1 {
		t.Errorf("%d attempts to give the place back, want 1", tries)
	}
}

// fixed is a runner that gives one reply to every call.
type fixed []int64

func (f fixed) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return f, nil
}

// FuzzQueueReply: an impossible reply gives ErrReply, never a panic, and never an impossible wait.
func FuzzQueueReply(f *testing.F) {
	f.Add(int64(250_000), int64(5), int64(-1), int64(0), int64(0), uint8(2))
	f.Add(int64(250_000), int64(4), int64(0), int64(8), int64(0), uint8(4))
	f.Add(int64(7), int64(-1), int64(6), int64(0), int64(0), uint8(2))
	f.Add(int64(7), int64(math.MinInt64), int64(math.MaxInt64), int64(math.MinInt64), int64(7), uint8(4))
	f.Add(int64(1), int64(math.MaxInt64), int64(0), int64(0), int64(0), uint8(1))
	f.Fuzz(func(t *testing.T, rate, a, b, c, d int64, length uint8) {
		limit := algorithms.PerSecond(1 + (rate-1)&(1<<30-1))
		q, err := leakybucket.NewQueue(fixed{a, b, c, d, 0}[:min(length, 5)], limit)
		if err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		for _, n := range []int64{1, limit.Rate + 1} {
			slot, err := q.ScheduleN(context.Background(), "k", n)
			if err != nil && !errors.Is(err, scripts.ErrReply) {
				t.Fatalf("%v, %d places: %v, want ErrReply", limit, n, err)
			}
			if slot.Delay < 0 || slot.Delay > 3*time.Second || slot.Queued < 0 || slot.Queued > limit.Rate ||
				slot.RetryAfter < 0 || slot.RetryAfter > 2*time.Second {
				t.Fatalf("%v, %d places: %+v", limit, n, slot)
			}
		}
		if length == 4 && a >= 0 { // what Wait reads
			if err := q.Wait(ended, "k"); err != nil && !errors.Is(err, scripts.ErrReply) {
				t.Fatalf("%v: Wait = %v, want ErrReply", limit, err)
			}
		}
	})
}

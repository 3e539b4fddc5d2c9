package inflight_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
)

// model is a simple model of a limiter: it has the end of each lease by its id, and looks at all leases for each answer.
type model map[string]int64

func (m model) held(now int64) (n int64) {
	for _, end := range m {
		if end > now {
			n++
		}
	}
	return n
}

// until returns how long it takes until fewer than n leases are held, if none is taken, renewed or given back.
func (m model) until(now, n int64) time.Duration {
	later := now
	for m.held(later) >= n {
		next := int64(1<<62 - 1)
		for _, end := range m {
			if end > later {
				next = min(next, end)
			}
		}
		later = next
	}
	return time.Duration(later-now) * time.Microsecond
}

func (m model) result(allowed bool, now, most int64) algorithms.Result {
	r := algorithms.Result{Allowed: allowed, Limit: most, Remaining: max(most-m.held(now), 0), ResetAfter: m.until(now, 1)}
	if !allowed {
		r.RetryAfter = m.until(now, most)
	}
	return r
}

// TestModel: a Local gives the same answers as the model, on a clock that only goes forward.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := limitertest.NewClock(start)
		ttls := rapid.SliceOfN(rapid.Int64Range(1000, 100_000), 2, 2).Draw(t, "times to live, µs")
		mosts := rapid.SliceOfN(rapid.Int64Range(1, 4), 2, 2).Draw(t, "numbers")
		first := errtest.Must(inflight.NewLocal(mosts[0], time.Duration(ttls[0])*time.Microsecond, algorithms.WithClock(clock.Now)))
		second := errtest.Must(first.With(mosts[1], time.Duration(ttls[1])*time.Microsecond))
		m, ctx := model{}, context.Background()
		check := func(got, want algorithms.Result, err error) {
			t.Helper()
			if err != nil || got != want {
				t.Fatalf("%+v, %v, want %+v", got, err, want)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			i := rapid.IntRange(0, 1).Draw(t, "limiter")
			l, most, ttl := []*inflight.Local{first, second}[i], mosts[i], ttls[i]
			id := fmt.Sprint(rapid.IntRange(1, 6).Draw(t, "id"))
			now := clock.Now().UnixMicro()
			switch rapid.SampledFrom([]string{"acquire", "renew", "release", "peek", "time"}).Draw(t, "call") {
			case "acquire":
				got, err := l.Acquire(ctx, "k", id)
				allowed := m[id] > now || m.held(now) < most
				if allowed {
					m[id] = max(m[id], now+ttl)
				}
				check(got, m.result(allowed, now, most), err)
			case "renew":
				err := l.Renew(ctx, "k", id)
				if held := m[id] > now; held == errors.Is(err, inflight.ErrNotHeld) || held != (err == nil) {
					t.Fatalf("%v of a lease that is held: %v", err, held)
				} else if held {
					m[id] = max(m[id], now+ttl)
				}
			case "release":
				if err := l.Release(ctx, "k", id); err != nil {
					t.Fatal(err)
				}
				delete(m, id)
			case "peek":
				got, err := l.Peek(ctx, "k")
				check(got, m.result(m.held(now) < most, now, most), err)
			case "time":
				clock.Advance(time.Duration(rapid.Int64Range(1, 120_000).Draw(t, "time, µs")) * time.Microsecond)
			}
		}
	})
}

// fixed is a runner that gives the same reply to every call.
type fixed struct{ reply []int64 }

func (f fixed) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return f.reply, nil
}

// hanging is a runner that answers when the context ends.
type hanging struct{}

func (hanging) Run(ctx context.Context, _ *scripts.Script, _, _ []string) ([]int64, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestReplies: an impossible reply gives an error that wraps ErrReply. All other replies are accepted.
func TestReplies(t *testing.T) {
	const least, most = -1 << 63, 1<<63 - 1
	ctx := context.Background()
	ask := func(reply ...int64) (acquire, peek, renew error) {
		l := errtest.Must(inflight.New(fixed{reply}, 3, time.Second))
		_, acquire = l.Acquire(ctx, "k", "a")
		_, peek = l.Peek(ctx, "k")
		return acquire, peek, l.Renew(ctx, "k", "a")
	}
	for _, c := range []struct {
		reply         []int64
		acquire, peek bool // whether the call can have this reply
	}{
		{[]int64{1, 0, 1}, true, true}, {[]int64{3, 0, 3_600_000_000}, true, false}, {[]int64{0, 0, 0}, false, true},
		{[]int64{7, 0, 1}, true, false}, {[]int64{-4, 1, 1}, true, true}, {[]int64{-4, 5, 4}, false, false},
		{[]int64{-4, 0, 4}, false, false}, {[]int64{-3, 1, 1}, false, false}, {[]int64{1, 1, 1}, false, false},
		{[]int64{0, 0, 1}, false, false}, {[]int64{1, 0, 0}, false, false}, {[]int64{1, 0, 3_600_000_001}, false, false},
		{[]int64{-9, 1, 3_600_000_001}, false, false}, {[]int64{1, 0, -1}, false, false}, {[]int64{least, least, least}, false, false},
		{[]int64{most, most, most}, false, false}, {[]int64{1}, false, false}, {nil, false, false}, {[]int64{1, 0, 1, 0}, false, false},
	} {
		acquire, peek, _ := ask(c.reply...)
		for name, err := range map[string]error{"Acquire": acquire, "Peek": peek} {
			want := map[string]bool{"Acquire": c.acquire, "Peek": c.peek}[name]
			if (err == nil) != want || err != nil && !errors.Is(err, scripts.ErrReply) {
				t.Errorf("%s, a reply of %v: %v, want it read: %v", name, c.reply, err, want)
			}
		}
	}
	for reply, want := range map[int64]error{
		0: inflight.ErrNotHeld, 1_000_000: nil, 3_600_000_000: nil, 999_999: scripts.ErrReply, -1: scripts.ErrReply, 3_600_000_001: scripts.ErrReply,
	} {
		if _, _, err := ask(reply); !errors.Is(err, want) {
			t.Errorf("Renew, a reply of %d: %v, want %v", reply, err, want)
		}
	}
}

// TestLocalForgets: a Local has leases of at most MaxKeys keys.
func TestLocalForgets(t *testing.T) {
	l := errtest.Must(inflight.NewLocal(2, time.Second, algorithms.MaxKeys(10)))
	for i := range 1000 {
		key := fmt.Sprint(i)
		if _, err := l.Acquire(context.Background(), key, "a"); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if err := l.Release(context.Background(), key, "a"); err != nil {
				t.Fatal(err)
			}
		}
	}
	held := 0
	for i := range 1000 {
		if r := errtest.Must(l.Peek(context.Background(), fmt.Sprint(i))); r.Remaining < 2 {
			held++
		}
	}
	if held > 10 {
		t.Errorf("%d keys are held, want 10 at most", held)
	}
}

package algorithmtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// FuzzDecisions compares the script on an embedded server with Local over any limit and any program
// of requests. Both refuse limits that aren't valid.
func (a Algorithm) FuzzDecisions(f *testing.F) {
	f.Add(int64(10), int64(1_000_000), int64(0), []byte("\x00\x00\x00\xf9\x55\x00\xf9\xff\x00\x36\x01\x80"))
	f.Add(int64(7), int64(1_000_000), int64(3), []byte("\x50\x00\xff\xf4\x00\x00\x18\x80\x00\xf0\x00\x00\x06\x02\x05"))
	f.Add(int64(1<<51), int64(1), int64(1<<51), []byte("\x50\x00\xff\xff\xff\xff"))
	f.Add(int64(1), int64(1<<51), int64(-1), []byte("\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, rate, period, burst int64, program []byte) {
		limit := a.Fitting(algorithms.Limit{Rate: rate, Period: time.Duration(period) * time.Microsecond, Burst: burst})
		_, conn := resptest.Miniredis(t)
		if a.refused(t, conn, limit) {
			return
		}
		limitertest.Replay(t, a.Over(conn), limit, forwardInTheEnd(program[:min(len(program), 600)]), a.Compared()...)
	})
}

// forwardInTheEnd returns the program without backward steps of the clock after its first 31 requests. Each of these asks a
// limiter at most twice. After 64 requests, Local forgets states that have been over for an hour, as a server does. An
// embedded server never forgets them, as its own clock stands still. So the two would differ if the clock went back later.
func forwardInTheEnd(program []byte) []byte {
	program = slices.Clone(program)
	for i := 3 * 31; i < len(program); i += 3 {
		if program[i]%16 == 8 { // see limitertest.Replay
			program[i]++
		}
	}
	return program
}

// refused reports whether NewLocal refuses the limit, and fails the test if New doesn't do the same.
func (a Algorithm) refused(t *testing.T, run scripts.Runner, limit algorithms.Limit) bool {
	t.Helper()
	_, err := a.Local(limit)
	_, overErr := a.Over(run)(limit)
	if err == nil && overErr == nil {
		return false
	}
	if !errors.Is(err, algorithms.ErrInvalidLimit) || !errors.Is(overErr, algorithms.ErrInvalidLimit) {
		t.Fatalf("%+v: refused by NewLocal as %v, by New as %v", limit, err, overErr)
	}
	return true
}

// FuzzKey tests that any two keys count separately.
func (a Algorithm) FuzzKey(f *testing.F) {
	_, conn := resptest.Miniredis(f)
	for _, key := range []string{"", "k", "}x", "{}", "a{b}c", "\x00", "\xff", "x}:gcra", "-{-"} {
		f.Add(key, key+"}")
	}
	f.Fuzz(func(t *testing.T, key, other string) {
		ctx := context.Background()
		l, err := a.Over(conn)(algorithms.PerHour(1))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{key, other} {
			if err := l.Reset(ctx, k); err != nil {
				t.Fatal(err)
			}
		}
		first, err := l.Allow(ctx, key)
		if err != nil || !first.Allowed {
			t.Fatalf("%q: %+v, %v", key, first, err)
		}
		second, err := l.Allow(ctx, other)
		if err != nil || second.Allowed != (key != other) {
			t.Fatalf("%q after %q: %+v, %v", other, key, second, err)
		}
	})
}

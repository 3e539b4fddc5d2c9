package coalesce_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// server is a runner on one server, which answers after a time.
type server struct{ after time.Duration }

func (server) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

var ones = func() (ones [65]int64) {
	for i := range ones {
		ones[i] = 1
	}
	return ones
}()

func (r server) Run(_ context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	time.Sleep(r.after) // as long as a real server would take
	if s == scripts.GCRA {
		return ones[:1], nil
	}
	return ones[:], nil // the longest reply; the rest isn't read
}

// bounded is a server whose calls end with their contexts.
type bounded struct{ server }

func (bounded) Bounded() {}

// BenchmarkAlone measures one caller, whose context can be canceled. Over a scripts.Bounded the call is made in its caller's
// goroutine, and otherwise in another one. "plain" is the runner without coalescing.
func BenchmarkAlone(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, run := range map[string]scripts.Runner{
		"plain": server{}, "bounded": coalesced(b, bounded{}), "unbounded": coalesced(b, server{}),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := run.Run(ctx, scripts.GCRA, keys, args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestAloneAllocatesNothing: a call that is made in its caller's goroutine takes no memory of its own.
func TestAloneAllocatesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := coalesced(t, bounded{})
	ask := func() {
		if _, err := c.Run(ctx, scripts.GCRA, keys, args); err != nil {
			t.Error(err)
		}
	}
	if n := testing.AllocsPerRun(100, ask); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTogether measures 256 callers for each processor, over a server that takes 100 µs for a call.
func BenchmarkTogether(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := coalesced(b, server{100 * time.Microsecond})
	b.SetParallelism(256)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Run(ctx, scripts.GCRA, keys, args); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

var keys, args = []string{"weir:{user:1}:gcra:10/1s"}, []string{"100000", "1000000"}

func coalesced(tb testing.TB, run scripts.Runner) *coalesce.Runner {
	tb.Helper()
	c, err := coalesce.New(run)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

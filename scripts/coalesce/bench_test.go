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
	time.Sleep(r.after) // the server that the benchmark stands for takes that long
	if s == scripts.GCRA {
		return ones[:1], nil
	}
	return ones[:], nil // the longest reply; the rest isn't read
}

// BenchmarkAlone measures one caller. If its context can't be canceled, the call is made in its own goroutine, and
// otherwise in another one.
func BenchmarkAlone(b *testing.B) {
	cancellable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": context.Background(), "cancellable": cancellable} {
		b.Run(name, func(b *testing.B) {
			c, keys, args := bench(b, 0)
			b.ReportAllocs()
			for range b.N {
				if _, err := c.Run(ctx, scripts.GCRA, keys, args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTogether measures 256 callers for each processor, over a server that takes 100 µs for a call.
func BenchmarkTogether(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, keys, args := bench(b, 100*time.Microsecond)
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

func bench(b *testing.B, after time.Duration) (c *coalesce.Runner, keys, args []string) {
	b.Helper()
	c, err := coalesce.New(server{after})
	if err != nil {
		b.Fatal(err)
	}
	return c, []string{"weir:{user:1}:gcra:10/1s"}, []string{"100000", "1000000"}
}

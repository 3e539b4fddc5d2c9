package algorithmtest

import (
	"context"
	"strconv"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// benchLimit has an emission interval that isn't a whole number of microseconds. It is so high that the benchmarks of
// admitted requests don't use it up.
var benchLimit = algorithms.PerSecond(3_000_000_000)

// Benchmark measures a decision without a network: how a limiter makes a script's arguments and reads
// its reply, and a Local's whole decision. For benchstat:
//
//	go test -run '^$' -bench . -count 10 ./gcra
func (a Algorithm) Benchmark(b *testing.B) {
	for _, test := range []struct {
		name  string
		limit algorithms.Limit
		cost  int64
	}{
		{"admitted", benchLimit, 1},
		{"admitted-cost-7", benchLimit, 7},
		{"denied", algorithms.PerDay(1), 1},
	} {
		b.Run("script/"+test.name, func(b *testing.B) {
			l, err := a.Over(remember(b))(test.limit)
			if err != nil {
				b.Fatal(err)
			}
			ask(b, l, test.cost, func(int) string { return "user:1" })
		})
		b.Run("Local/"+test.name, func(b *testing.B) {
			l, err := a.Local(test.limit)
			if err != nil {
				b.Fatal(err)
			}
			ask(b, l, test.cost, func(int) string { return "user:1" })
		})
	}
	b.Run("Local/admitted-of-100000-keys", func(b *testing.B) {
		keys := make([]string, 100_000)
		for i := range keys {
			keys[i] = "user:" + strconv.Itoa(i)
		}
		l, err := a.Local(benchLimit)
		if err != nil {
			b.Fatal(err)
		}
		ask(b, l, 1, func(i int) string { return keys[i%len(keys)] })
	})
	b.Run("Local/admitted-parallel", func(b *testing.B) {
		l, err := a.Local(benchLimit)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := l.Allow(context.Background(), "user:1"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// ask measures one request after the other.
func ask(b *testing.B, l algorithms.Limiter, cost int64, key func(i int) string) {
	ctx := context.Background()
	// A limit of one event is used up by the first request. The second request gets the reply that memory repeats.
	for range 2 {
		if _, err := l.AllowN(ctx, key(0), cost); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := l.AllowN(ctx, key(i), cost); err != nil {
			b.Fatal(err)
		}
	}
}

// memory is a Runner that sends two calls to a server, and from then on repeats the last reply.
type memory struct {
	server scripts.Runner
	asked  int
	reply  []int64
}

func remember(b *testing.B) scripts.Runner {
	_, conn := resptest.Miniredis(b)
	return &memory{server: conn}
}

// Run implements scripts.Runner.
func (m *memory) Run(ctx context.Context, s *scripts.Script, keys, args []string) (_ []int64, err error) {
	if m.asked < 2 {
		m.asked++
		m.reply, err = m.server.Run(ctx, s, keys, args)
	}
	return m.reply, err
}

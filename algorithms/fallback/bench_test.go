package fallback_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms/fallback"
)

// BenchmarkFallback measures a decision with limiters that take no time: while the primary answers,
// and while it is away.
func BenchmarkFallback(b *testing.B) {
	for name, failure := range map[string]error{"the primary answers": nil, "the primary is away": errDown} {
		primary := &stub{}
		if failure != nil {
			primary.answer = says(failure)
		}
		l := must(fallback.New(primary, &stub{}, fallback.Backoff(time.Hour, time.Hour), fallback.OnError(func(error) {})))
		ctx, cancel := context.WithCancel(context.Background()) // a context that can end, as a request has
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := l.Allow(ctx, "k"); err != nil {
					b.Fatal(err)
				}
			}
		})
		cancel()
	}
}

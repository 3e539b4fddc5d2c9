package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// logLengths are the numbers of admitted requests of one key after which its memory is measured.
var logLengths = []int{1, 10, 100, 1000}

// memoryLimit admits all of these requests. Its period is long, so that no key expires before its memory is measured.
var memoryLimit = algorithms.Per(1_000_000, 365*24*time.Hour)

// memories measures the memory of one key of each limiter. It calls all limiters before it asks the server, because finding
// the keys takes a scan of the whole server.
func (r *run) memories(ctx context.Context) error {
	failed := map[string]bool{}
	admitted := 0
	for _, length := range logLengths {
		for _, limiter := range r.judged() {
			r.bar.Say("memory of " + limiter.Name)
			tallies, err := r.do(ctx, round.Order{
				Limiter: limiter.Name, Limit: memoryLimit, Tag: memoryTag, Keys: round.Keys{Count: 1},
				Goroutines: 1, Calls: length - admitted,
			})
			if err != nil {
				return err
			}
			failed[limiter.Name] = failed[limiter.Name] || tallies[0].Admitted < tallies[0].Calls
			r.bar.Step(1)
		}
		admitted = length
		taken, err := r.admin.memory(ctx, r.prefix, memoryTag+"o")
		if err != nil {
			return fmt.Errorf("can't measure the memory of keys: %w", err)
		}
		for _, limiter := range r.judged() {
			number := slices.IndexFunc(r.all, func(l round.Limiter) bool { return l.Name == limiter.Name })
			if size := taken[number]; !failed[limiter.Name] && size.keys > 0 {
				r.done.Results = append(r.done.Results, &benchfmt.Result{
					Name: results.MemoryNamed(limiter.Name, length), Iters: length,
					Values: []benchfmt.Value{results.Value(float64(size.bytes), results.KeyBytes)},
				})
			}
		}
	}
	return nil
}

// memoryTag is the tag of the keys whose memory is measured.
const memoryTag = "m"

// Package resultstest makes up runs of the command measure, for tests of code that reads runs.
package resultstest

import (
	"math/rand/v2"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

const (
	weir = "github.com/go-weir/weir"
	own  = weir + "/bench/peers"
)

// limiters are the limiters of a made-up run, with the server's processor time for a decision of each in µs.
var limiters = []struct {
	round.Limiter
	cost float64
}{
	{round.Limiter{Name: "weir-gcra", About: "Weir's GCRA", Client: "go-redis", Module: weir, Definition: round.GCRA, Floor: "floor-gcra"}, 12},
	{round.Limiter{Name: "weir-fixedwindow", About: "Weir's fixed window", Client: "go-redis", Module: weir, Definition: round.FixedWindow}, 12},
	{round.Limiter{Name: "redis_rate", About: "GCRA in one script", Client: "go-redis", Module: "github.com/go-redis/redis_rate/v10", Version: "v10.0.1", Definition: round.GCRA}, 18},
	{round.Limiter{Name: "ulule", About: "INCR and EXPIRE", Client: "go-redis", Module: "github.com/ulule/limiter/v3", Version: "v3.11.2", Definition: round.FixedWindow}, 9},
	{round.Limiter{Name: "throttled", About: "GCRA, by compare and swap", Client: "go-redis", Module: "github.com/throttled/throttled/v2", Version: "v2.15.0", Definition: round.GCRA}, 12.1},
	{round.Limiter{Name: "floor-gcra", About: "the calls of weir-gcra's script, without its logic", Client: "go-redis", Module: own}, 8},
}

// Rounds is the number of rounds of a made-up run.
const Rounds = 10

// Run makes up a run of four loads, in which rounds differ by 4 %. The same seed makes the same run.
func Run(seed uint64) results.Run {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // must give the same numbers for the same seed
	run := results.Run{
		Command: "go run ./bench measure -write run.txt", Beside: "redis_rate",
		Began: time.Date(2026, 11, 2, 9, 30, int(seed), 0, time.UTC), Took: 2*time.Minute + 7*time.Second,
		Machine: results.Machine{OS: "linux", Arch: "amd64", CPUs: 4, CPU: "Example CPU @ 3.00GHz", Go: "go1.26.8"},
		Server:  "Redis 7.0.15", How: "container redis:7.0", Nodes: 1, Load: 0.25,
	}
	for _, l := range limiters {
		run.Limiters = append(run.Limiters, l.Limiter)
	}
	for _, denials := range []float64{0, 90} {
		for _, goroutines := range []int{1, 64} {
			load := results.Asked{Goroutines: goroutines, Keys: "10000", Denials: denials}
			for range Rounds {
				for _, l := range limiters {
					noise := 0.98 + 0.04*random.Float64()
					cost := noise * (l.cost + 30/float64(goroutines))
					run.Results = append(run.Results, &benchfmt.Result{Name: load.Named(l.Name), Iters: 20_000, Values: values(cost, goroutines, denials)})
				}
			}
		}
	}
	for i, l := range limiters {
		if l.IsFloor() {
			continue
		}
		for _, requests := range []int{1, 10, 100, 1000} {
			run.Results = append(run.Results, &benchfmt.Result{
				Name: results.MemoryNamed(l.Name, requests), Iters: requests,
				Values: []benchfmt.Value{results.Value(float64(104+16*i+(i/4)*requests), results.KeyBytes)},
			})
		}
		run.Results = append(run.Results, &benchfmt.Result{
			Name: results.AccuracyNamed(l.Name), Iters: 81_234,
			Values: []benchfmt.Value{
				results.Value(float64(3498+50*(i/4)), results.Admitted), results.Value(3497, results.Least),
				results.Value(3504, results.Most), results.Value(0, results.Failed),
			},
		})
	}
	return run
}

// values returns the values of a round in which a decision takes cost µs of the server's processor time.
func values(cost float64, goroutines int, denials float64) []benchfmt.Value {
	latency := max(60, cost*float64(goroutines))
	return []benchfmt.Value{
		results.Value(1e6*float64(goroutines)/latency, "decisions/s"),
		results.Value(1000*latency, "p50-ns"), results.Value(2500*latency, "p99-ns"),
		results.Value(1000*cost, "server-ns/op"), results.Value(700*cost, "command-ns/op"),
		results.Value(512, results.AllocBytes), results.Value(10, results.Allocs),
		results.Value(157, results.Sent), results.Value(11, results.Received),
		results.Value(1, results.Commands), results.Value(4, results.ServerCommands),
		results.Value(denials/100, results.Denied), results.Value(0, results.Failed), results.Value(0, results.Wrong),
		results.Value(1.5, results.Others),
	}
}

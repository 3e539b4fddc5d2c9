// Package resultstest makes runs of the command measure that were never measured, for tests of what
// reads them.
package resultstest

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// A Shape says what a made-up run is like. What it leaves out is small.
type Shape struct {
	Server     string // "Redis 7.0.15"
	Seed       uint64 // of what differs from run to run
	Rounds     int
	Limiters   int // how many of [Limiters], from the first on
	Goroutines []int
	Denials    []float64
	Keys       []int
}

// Small is a run as a test can look through: two limiters of Weir's, two others and a floor.
func Small(server string, seed uint64) results.Run {
	return Shape{Server: server, Seed: seed}.Run()
}

// Full is a run as large as those that bench/RESULTS.md is made of.
func Full(server string, seed uint64) results.Run {
	return Shape{
		Server: server, Seed: seed, Rounds: 5, Limiters: len(Limiters),
		Goroutines: []int{1, 16, 64, 256}, Denials: []float64{0, 50, 90}, Keys: []int{1, 100_000},
	}.Run()
}

// Limiters are those of a made-up run.
var Limiters = []round.Limiter{
	{Name: "weir-gcra", About: "Weir's GCRA", Client: "go-redis", Module: weir, Definition: round.GCRA},
	{Name: "weir-gcra-rueidis", About: "Weir's GCRA", Client: "rueidis", Module: weir, Definition: round.GCRA},
	{Name: "redis_rate", About: "GCRA in one script", Client: "go-redis", Module: "github.com/go-redis/redis_rate/v10", Version: "v10.0.1", Definition: round.GCRA},
	{Name: "rueidislimiter", About: "a counter that a script increments", Client: "rueidis", Module: "github.com/redis/rueidis/rueidislimiter", Version: "v1.0.76", Definition: round.FixedWindow},
	{Name: "floor-gcra", About: "the calls of weir-gcra's script, without its logic", Client: "go-redis", Module: own, Floor: true},
	{Name: "throttled", About: "GCRA, by compare and swap", Client: "go-redis", Module: "github.com/throttled/throttled/v2", Version: "v2.15.0", Definition: round.GCRA},
	{Name: "ulule", About: "INCR and EXPIRE", Client: "go-redis", Module: "github.com/ulule/limiter/v3", Version: "v3.11.2", Definition: round.FixedWindow},
	{Name: "mennanov-tokenbucket", About: "a token bucket under a lock", Client: "go-redis", Module: "github.com/mennanov/limiters", Version: "v1.11.0", Definition: round.GCRA},
	{Name: "mennanov-fixedwindow", About: "INCR", Client: "go-redis", Module: "github.com/mennanov/limiters", Version: "v1.11.0", Definition: round.AlignedWindow},
	{Name: "mennanov-slidingwindow", About: "two counters", Client: "go-redis", Module: "github.com/mennanov/limiters", Version: "v1.11.0", Definition: round.SlidingCounter},
	{Name: "go-redisstore", About: "a token bucket in a script", Client: "go-redis", Module: "github.com/sethvargo/go-redisstore", Version: "v0.3.0", Definition: round.FixedWindow},
	{Name: "httprate-redis", About: "two counters, several commands", Client: "go-redis", Module: "github.com/go-chi/httprate-redis", Version: "v0.7.0", Definition: round.SlidingCounter},
	{Name: "weir-fixedwindow", About: "Weir's fixed window", Client: "go-redis", Module: weir, Definition: round.FixedWindow},
	{Name: "weir-fixedwindow-rueidis", About: "Weir's fixed window", Client: "rueidis", Module: weir, Definition: round.FixedWindow},
	{Name: "weir-slidinglog", About: "Weir's sliding log", Client: "go-redis", Module: weir, Definition: round.SlidingLog},
	{Name: "weir-leakybucket", About: "Weir's leaky bucket", Client: "go-redis", Module: weir, Definition: round.GCRA},
	{Name: "bare-incr", About: "INCR and PEXPIRE NX in a pipeline", Client: "go-redis", Module: own, Floor: true},
	{Name: "floor-return", About: "a script that only returns", Client: "go-redis", Module: own, Floor: true},
	{Name: "floor-slidinglog", About: "the calls of weir-slidinglog's script, without its logic", Client: "go-redis", Module: own, Floor: true},
	{Name: "increx", About: "INCREX", Client: "go-redis", Module: own, Definition: round.FixedWindow, Unfit: "the server has no command INCREX"},
}

const (
	weir = "github.com/go-weir/weir"
	own  = weir + "/bench/peers"
)

// Run makes the run up. The same shape makes the same run.
func (s Shape) Run() results.Run {
	s = s.filled()
	random := rand.New(rand.NewPCG(s.Seed, 1)) //nolint:gosec // the same again for the same seed
	run := results.Run{
		Format:  results.Format,
		Command: "go run ./bench measure -json run.json",
		Began:   time.Date(2026, 11, 2, 9, 30, int(s.Seed), 0, time.UTC),
		Took:    42*time.Minute + 7*time.Second,
		Machine: results.Machine{OS: "linux", Arch: "amd64", CPUs: 4, CPU: "Example CPU @ 3.00GHz", Memory: 16 << 30, Go: "go1.26.8"},
		Server:  results.Server{Name: s.Server, How: "container " + s.Server, Shape: "single", Nodes: 1},
		Limit:   "1000000/second",
	}
	run.Limiters = Limiters[:s.Limiters]
	for _, keys := range s.Keys {
		for _, denials := range s.Denials {
			for _, goroutines := range s.Goroutines {
				cell := results.Cell{Processes: min(goroutines, 2), Goroutines: goroutines, Denials: denials, Keys: keys}
				for i, limiter := range run.Limiters {
					if limiter.Unfit == "" {
						cell.Results = append(cell.Results, s.result(random, cell, i))
					}
				}
				run.Cells = append(run.Cells, cell)
			}
		}
	}
	for i, limiter := range run.Limiters {
		if limiter.Floor || limiter.Unfit != "" {
			continue
		}
		for _, events := range []int{1, 10, 100, 1000, 10_000} {
			bytes, keys := int64(72+8*(i%4)), 1
			switch {
			case limiter.Definition == round.SlidingLog:
				bytes += int64(events * 12)
			case i%4 == 3:
				keys = 2
				bytes *= 2
			}
			run.Memory = append(run.Memory, results.Memory{Limiter: limiter.Name, Events: events, Bytes: bytes, Keys: keys})
		}
		a := results.Accuracy{Limiter: limiter.Name, Limit: "100/second", Calls: 5000, Admitted: 498, Low: 497, High: 499, Most: 199}
		if i == 3 {
			a.Admitted, a.Failed = 560, 31
		}
		run.Accuracy = append(run.Accuracy, a)
	}
	return run
}

func (s Shape) filled() Shape {
	s.Rounds = max(s.Rounds, 3)
	if s.Limiters == 0 {
		s.Limiters = 5
	}
	if s.Goroutines == nil {
		s.Goroutines = []int{1, 64}
	}
	if s.Denials == nil {
		s.Denials = []float64{0, 90}
	}
	if s.Keys == nil {
		s.Keys = []int{1000}
	}
	return s
}

// result makes up what the limiter at that place in Limiters does.
func (s Shape) result(random *rand.Rand, cell results.Cell, limiter int) results.Result {
	l := Limiters[limiter]
	cost := 3.4 + 0.9*float64(limiter%7) - cell.Denials/100 // µs of the server
	if l.Floor {
		cost = 1.2
	}
	r := results.Result{Limiter: l.Name, Allocs: 9 + float64(limiter), AllocBytes: 512 + 96*float64(limiter), Sent: 180, Received: 40, Commands: 1 + float64(limiter%3), ServerCommands: 3 + float64(limiter%4)}
	mean := 0.0
	for range s.Rounds {
		noise := 0.97 + 0.06*random.Float64()
		us := (60 + cost) * noise
		throughput := math.Min(float64(cell.Goroutines)*1e6/us, 1e6/(cost*noise+4))
		us = float64(cell.Goroutines) * 1e6 / throughput
		mean += us / float64(s.Rounds)
		r.Rounds = append(r.Rounds, results.Round{
			Throughput: throughput, P50: us * 0.9, P99: us * 2.5 * noise, ServerCPU: cost * noise, CommandCPU: cost * 0.7 * noise,
		})
		r.Calls += int64(throughput)
	}
	r.Denied = int64(float64(r.Calls) * cell.Denials / 100)
	r.Admitted = r.Calls - r.Denied
	if limiter == 5 && cell.Goroutines > 16 {
		r.Failed = r.Calls / 5
		r.Admitted -= min(r.Failed, r.Admitted)
		r.FirstFailure = "failed to update key after 10 attempts"
	}
	if limiter == 3 {
		r.WronglyAdmitted = 12
	}
	r.Latency = results.Latency{Mean: mean, Max: mean * 40}
	for _, p := range []float64{0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 96, 97, 98, 98.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.999, 100} {
		us := mean * (0.7 + 0.4*p/100)
		if p > 50 {
			us *= math.Pow(1/(1-math.Min(p, 99.9995)/100)/2, 0.22)
		}
		r.Latency.Points = append(r.Latency.Points, [2]float64{p, us})
	}
	return r
}

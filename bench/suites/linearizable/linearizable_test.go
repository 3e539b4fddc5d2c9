// Package linearizable_test checks that every decision is linearizable. Goroutines over both clients call a limiter with one
// key concurrently. Porcupine then searches for an order of the calls that is consistent with their begins and ends, and in
// which Local gives the same answers.
//
//	go test ./bench/suites/linearizable -linearizable.histories 500 -timeout 1h
package linearizable_test

import (
	"flag"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/servers"
)

var histories = flag.Int("linearizable.histories", 10,
	"how many `keys` are called, of each algorithm, limit and server, by each test")

func TestMain(m *testing.M) { servers.Main(m) }

// limits are the limits under simulated time. The first has an emission interval of a third of a step, so that calls come
// exactly when something becomes available. The emission interval of the second is not a whole number of microseconds.
var limits = []algorithms.Limit{
	algorithms.Per(12, period),
	algorithms.Per(7, period).WithBurst(3),
}

// TestSimulatedTime: each call carries its own time, so that its answer depends only on the order of the calls. The times increase, and
// sometimes decrease.
func TestSimulatedTime(t *testing.T) {
	each(t, func(t *testing.T, s subject, addr string) {
		for _, limit := range limits {
			try := trial{s, limit, true}
			history := record(try.clients(t, addr), try.plans(t))
			allAnswered(t, history)
			linearizes(t, newModel(try), history)
		}
	})
}

// TestServerTime: calls use the server's clock. The periods of the limits are longer than the test, so everything in an
// answer except durations depends only on the order of the calls.
func TestServerTime(t *testing.T) {
	each(t, func(t *testing.T, s subject, addr string) {
		try := trial{s, s.lasting, false}
		history := record(try.clients(t, addr), try.plans(t))
		allAnswered(t, history)
		linearizes(t, newModel(try), history)
	})
}

// each runs test as a subtest for every algorithm on every server.
func each(t *testing.T, test func(t *testing.T, s subject, addr string)) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			addr := servers.Shared(t, kind).Addr
			for _, s := range subjects {
				t.Run(s.name, func(t *testing.T) { test(t, s, addr) })
			}
		})
	}
}

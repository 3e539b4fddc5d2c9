package proof

import (
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
)

func TestMain(m *testing.M) {
	Main()
	servers.Main(m)
}

// eachKind runs a test of each case on every kind of server.
func eachKind(t *testing.T, cases []Case, test func(t *testing.T, c Case, kind servers.Kind)) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) { test(t, c, kind) })
			}
		})
	}
}

// atOnce is like eachKind, but runs the kinds at the same time, for cases that mostly wait.
func atOnce(t *testing.T, cases []Case, test func(t *testing.T, c Case, kind servers.Kind)) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) { test(t, c, kind) })
			}
		})
	}
}

// run runs a case with few calls, but with enough to find each limiter that is deliberately wrong (TestWrong,
// TestInflightWrong).
func run(t *testing.T, c Case, kind servers.Kind) Outcome {
	t.Helper()
	const calls = 8_000
	outcome, err := c.Run(t.Context(), kind, calls)
	if err != nil {
		t.Fatal(err)
	}
	t.Attr(servers.AttrServer, outcome.Server)
	t.Attr(servers.AttrKind, kind.Name)
	return outcome
}

// prove runs a case with few calls, and fails the test if a promise is broken.
func prove(t *testing.T, c Case, kind servers.Kind) {
	t.Helper()
	if err := c.Check(run(t, c, kind)); err != nil {
		t.Error(err)
	}
}

// shared is like prove, but on the server of that kind that all of this package's tests share.
func shared(t *testing.T, c Case, kind servers.Kind) {
	prove(t, c.On(servers.Shared(t, kind)), kind)
}

// TestLoad: for any number of processes and keys, each decision follows the algorithm.
func TestLoad(t *testing.T) { eachKind(t, loads(), shared) }

// TestFaults: under each fault, no call is charged twice and every decision is right.
func TestFaults(t *testing.T) { eachKind(t, faults(), shared) }

// TestRefusals: if a server refuses to write, a call that fails has changed nothing.
func TestRefusals(t *testing.T) { eachKind(t, refusals(), shared) }

// TestHooks: if a hook of the client panics, only the callers of that call notice it.
func TestHooks(t *testing.T) { eachKind(t, hooks(), shared) }

// TestPlaces: every promise holds if the keys are on the shards of a ring, on the masters of a cluster, or on a single node
// of a cluster.
func TestPlaces(t *testing.T) { atOnce(t, places(), prove) }

// TestCrashes: every promise holds if the server is paused, or killed and started again.
func TestCrashes(t *testing.T) { atOnce(t, crashes(), prove) }

// TestClock: every promise holds if the server's clock steps back and forth.
func TestClock(t *testing.T) { atOnce(t, clocks(), prove) }

// TestFailover: every promise holds in a cluster and under sentinels, when a slot moves or another master takes over.
func TestFailover(t *testing.T) { atOnce(t, failovers(), prove) }

// TestReservations: every promise about reservations holds, with and without faults.
func TestReservations(t *testing.T) { atOnce(t, reservations(), shared) }

// TestInflight: leases are given out and refused rightly while their holders are killed.
func TestInflight(t *testing.T) { atOnce(t, inflights(), prove) }

// TestInflightWrong: the checks find a limiter of leases that is deliberately wrong.
func TestInflightWrong(t *testing.T) {
	eachKind(t, []Case{wrongLeases()}, func(t *testing.T, c Case, kind servers.Kind) {
		row := run(t, c.On(servers.Shared(t, kind)), kind).Rows[0]
		if c.Err(row) == nil || row.WronglyAdmitted == 0 || row.Largest <= row.Bound {
			t.Errorf("not found: %+v", row)
		}
	})
}

// TestWrong: the checks find limiters that are deliberately wrong.
func TestWrong(t *testing.T) {
	eachKind(t, wrongCases(), func(t *testing.T, c Case, kind servers.Kind) {
		c = c.On(servers.Shared(t, kind))
		row := run(t, c, kind).Rows[0]
		// The clock of Valkey 9.1 sometimes goes back by a microsecond. Definitions assume that this doesn't happen, so
		// later decisions are compared with the Local only.
		judged := row.StepsBack == 0 || kind.Name != "valkey-9.1"
		if c.Err(row) == nil || judged && !c.Felt(row.Findings) {
			t.Errorf("not found: %+v", row)
		}
	})
}

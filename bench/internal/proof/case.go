// Package proof calls limiters on real servers from many processes under faults, and compares every decision with the definitions
// of the algorithms. Its tests run all cases for a short time. The command bench/prove runs them at length and writes the results.
package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/verify"
)

// A Case is a load under one fault, or without a fault.
type Case struct {
	Name    string // "kill -9, appendfsync always"
	Fault   string // the fault, in words for the report
	Promise string // what this case promises in addition to what all cases promise, in words

	Load Load

	// Losses is how many times in a round the server may lose decisions that callers know of. After each loss, a limiter may
	// admit its limit once more.
	Losses int
	// Forgets says that the server may lose keys that are still needed, as a server that evicts keys does.
	Forgets bool
	// Unjournaled says that the server may lose a journal without the state, or a state without the journal. Then the
	// answers that callers got are the history.
	Unjournaled bool
	// Felt reports whether the fault affected the load. A fault that didn't proves nothing.
	Felt func(verify.Findings) bool
	// Kept checks what only this case promises, and returns an error if it is broken.
	Kept func(Row) error

	// own makes other calls instead of the Load's.
	own func(ctx context.Context, c Case, s *stage, calls int) ([]Row, error)
	// stage starts the servers. If it is nil, there is one server with default options.
	stage func(ctx context.Context, kind servers.Kind) (*stage, error)
	// during does one round of the fault.
	during func(ctx context.Context, s *stage) error
	// rounds is the number of rounds, after which the load ends. If it is 0, rounds are repeated until the load ends, which
	// lasts for at least leastRounds.
	rounds int
}

// leastRounds is so large that a fault is felt even if most of its rounds affect no call.
const leastRounds = 5

// Load describes the processes of a case and the limiters that they call.
type Load struct {
	Processes  int
	Goroutines int // of each process
	Keys       []string
	MostCost   int64
	Asked      []load.Asked
	Plans      string // a description of the limiters, if they aren't those of Asked
	Peeks      float64
	Resets     float64
	Reserves   float64 // the share of calls that reserve or settle
	AtMosts    float64 // the share of calls of AllowAtMost
	Timeout    time.Duration
	Patience   time.Duration // of the clients: see load.Place
	Pause      time.Duration
	Beneath    []string // the names of middleware between package coalesce and the client
	Through    []string // the names of middleware between limiters and package coalesce; nil for the recorder
	Cached     bool     // whether limiters are behind package denialcache
	Apart      bool     // whether no calls are coalesced; coalesced calls may be decided in the same microsecond
}

// jobs returns the jobs of the processes. Every other process uses rueidis, except on a ring. calls is the number of calls
// of all processes together. If it is 0, the processes call until they are stopped. With more, they make more calls until
// there are enough.
func (l Load) jobs(place load.Place, prefix string, calls int, more bool) []load.Job {
	through := l.Through
	if through == nil {
		through = []string{Recorder}
	}
	place.Patience = l.Patience
	jobs := make([]load.Job, l.Processes)
	for i := range jobs {
		client := clientOf(int64(i))
		if place.Ring {
			client = load.GoRedis
		}
		jobs[i] = load.Job{
			Place: place, Client: client, Coalesced: !l.Apart && coalesced(int64(i)), Asked: l.Asked,
			Beneath: l.Beneath, Through: through,
			Prefix: prefix, Keys: l.Keys, MostCost: l.MostCost, Peeks: l.Peeks, Resets: l.Resets, Reserves: l.Reserves,
			AtMosts: l.AtMosts, Cached: l.Cached, More: more,
			Goroutines: l.Goroutines, Timeout: l.Timeout, Pause: l.Pause, Worker: int64(i),
		}
		if calls > 0 {
			jobs[i].Calls = max(calls/(l.Processes*l.Goroutines), 1)
		}
	}
	return jobs
}

// clientOf returns the client that a worker uses.
func clientOf(worker int64) string { return []string{load.GoRedis, load.Rueidis}[worker%2] }

// coalesced reports whether a worker's calls are coalesced. Those of every other pair of workers are, so that each client is
// used with and without package coalesce.
func coalesced(worker int64) bool { return worker/2%2 == 1 }

// A Row is the result of one case for one subject on one server.
type Row struct {
	Case, Subject, Server string
	Rounds                int // how many rounds of the fault were completed, or how many processes were killed
	Abandoned             int // leases that expired without being released
	// Refused is the longest time for which all requests for a key were refused, by the server's clock between two of its steps.
	Refused time.Duration
	verify.Findings
}

// Err returns an error if the row breaks a promise.
func (c Case) Err(row Row) error {
	var errs []error
	none := func(n int64, what string) {
		if n != 0 {
			errs = append(errs, fmt.Errorf("%d %s", n, what))
		}
	}
	none(row.Twice, "calls ran twice")
	none(row.WronglyAdmitted, "wrongly admitted")
	none(row.WronglyRefused, "wrongly refused")
	none(row.Diverging, "decided otherwise than by Local")
	none(row.Garbled, "answers that were not the decision")
	none(row.NoTTL, "keys without a TTL")
	none(row.OverBound, "keys admitted more than the bound")
	if !c.Forgets {
		none(row.Forgotten, "keys gone while they meant something")
	}
	if c.Losses == 0 {
		none(row.Lost, "admissions or settlements forgotten")
	}
	if row.Admitted == 0 {
		errs = append(errs, errors.New("nothing was admitted"))
	}
	if c.Kept != nil {
		errs = append(errs, c.Kept(row))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s, %s, %s: %w; %q", row.Case, row.Server, row.Subject, err, row.Complaints)
	}
	return nil
}

// Check returns an error if any row of the case breaks a promise.
func (c Case) Check(o Outcome) error {
	var errs []error
	var sum verify.Findings
	felt := c.Felt == nil
	for _, row := range o.Rows {
		errs = append(errs, c.Err(row))
		sum.Add(row.Findings)
		felt = felt || c.Felt(row.Findings)
	}
	if sum.Denied == 0 {
		errs = append(errs, errors.New("nothing was denied: the load proves nothing"))
	}
	if c.Load.Reserves > 0 && (sum.Debts == 0 || sum.Settled == sum.Debts) {
		errs = append(errs, fmt.Errorf("%d reservations were settled, %d of them with debts: the load proves nothing", sum.Settled, sum.Debts))
	}
	if !felt {
		errs = append(errs, errors.New("the fault was not felt: the load proves nothing"))
	}
	return errors.Join(errs...)
}

// On returns the case with an existing server, if the case can run on any server. The case assumes that it is the only user of the
// server, and leaves nothing there.
func (c Case) On(server *servers.Server) Case {
	if c.stage == nil {
		c.stage = func(context.Context, servers.Kind) (*stage, error) {
			s := stageOf(server)
			s.closers = []func() error{s.admin.Close, func() error { return s.admin.FlushAll(context.Background()).Err() }}
			return s, nil
		}
	}
	return c
}

// Times returns the case with n times as many rounds, if their number is fixed.
func (c Case) Times(n int) Case {
	c.rounds *= n
	return c
}

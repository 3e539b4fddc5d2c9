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

// A Case is a load under one fault, or none.
type Case struct {
	Name    string // "kill -9, appendfsync always"
	Fault   string // the fault, in words for the report
	Promise string // what must hold besides what always must, in words

	Load Load

	// Losses is how often in a round the server may lose what it had told callers, each time allowing as
	// much once more.
	Losses int
	// Forgets: keys may go while they mean something, as an evicting server does with them.
	Forgets bool
	// Unjournaled: the journal may be lost otherwise than the state, and callers' answers are the history.
	Unjournaled bool
	// Felt says whether the fault was felt by the load; one that wasn't proves nothing.
	Felt func(verify.Findings) bool
	// Kept holds what only this case promises, and returns what was broken.
	Kept func(Row) error

	own    func(ctx context.Context, c Case, s *stage, calls int) ([]Row, error) // instead of the Load's calls
	stage  func(ctx context.Context, kind servers.Kind) (*stage, error)          // nil: one server, as it comes
	during func(ctx context.Context, s *stage) error                             // does one round of the fault
	rounds int                                                                   // 0: again and again until the load is done; else that often, then the load ends
}

// Load is the processes of a case and the limiters that they call.
type Load struct {
	Processes  int
	Goroutines int // of each process
	Keys       []string
	MostCost   int64
	Asked      []load.Asked
	Plans      string // the limiters that replace the load's, in words
	Peeks      float64
	Resets     float64
	Reserves   float64 // the share of calls that reserve or settle
	AtMosts    float64 // the share of calls that ask for as many of some events as fit
	Timeout    time.Duration
	Patience   time.Duration // of the clients: see load.Place
	Pause      time.Duration
	Beneath    []string // middleware beneath package coalesce, by name
	Through    []string // middleware by name; the recorder, unless said otherwise
	Cached     bool     // limiters are behind package denialcache
	Apart      bool     // no calls are coalesced, which may be decided in the same microsecond
}

// jobs returns the processes' jobs, half of them on each client, of so many calls in all; 0 calls: until
// they are stopped.
func (l Load) jobs(place load.Place, prefix string, calls int) []load.Job {
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
			AtMosts: l.AtMosts, Cached: l.Cached,
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

// coalesced says whether a worker's calls are coalesced: those of every other pair of workers are, so that both
// clients are used both ways.
func coalesced(worker int64) bool { return worker/2%2 == 1 }

// A Row is the result of one case for one subject on one server.
type Row struct {
	Case, Subject, Server string
	Rounds                int // how often the fault was done, if that was counted
	Abandoned             int // leases that ended by themselves
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
	denied, felt := int64(0), c.Felt == nil
	for _, row := range o.Rows {
		errs = append(errs, c.Err(row))
		denied += row.Denied
		felt = felt || c.Felt(row.Findings)
	}
	if denied == 0 {
		errs = append(errs, errors.New("nothing was denied: the load proves nothing"))
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

// Times returns the case with n times as many rounds, if it counts them.
func (c Case) Times(n int) Case {
	c.rounds *= n
	return c
}

package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/leases"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/verify"
	"github.com/go-weir/weir/scripts"
)

// Recorder is the name of the middleware that makes the server journal its decisions.
const Recorder = "recorder"

// Main does a worker's job and ends the process, if it is a worker; see [load.Main] and [leases.Main].
func Main() {
	leases.Main()
	middleware := map[string]load.Middleware{
		Recorder: func(run scripts.Runner) scripts.Runner { return journal.New(run) },
	}
	middleware[panicky] = func(run scripts.Runner) scripts.Runner { return &panics{Runner: run} }
	for _, w := range wrongs {
		middleware[w.name] = w.wrap
	}
	load.Main(middleware)
}

// An Outcome is the result of a case on one server.
type Outcome struct {
	Server string // its name, its version and where it is from
	Rows   []Row
	// Outages is the longest time for which calls still failed after the server was available again, by client.
	Outages map[string]time.Duration
	// Took is the longest time until the server was available again.
	Took time.Duration
}

// Run runs the case on servers of a kind. calls is the number of calls, unless the case has a fixed number of rounds. An
// error means that the case could not be run; wrong decisions are in the rows.
func (c Case) Run(ctx context.Context, kind servers.Kind, calls int) (outcome Outcome, err error) {
	fail := func(err error) (Outcome, error) {
		return Outcome{}, fmt.Errorf("%s on %s: %w", c.Name, kind.Name, err)
	}
	set := c.stage
	if set == nil {
		set = single()
	}
	s, err := set(ctx, kind)
	if err != nil {
		return fail(err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if c.own != nil {
		rows, err := c.own(ctx, c, s, calls)
		if err != nil {
			return fail(err)
		}
		return Outcome{Server: s.server.String(), Rows: rows}, nil
	}
	if c.rounds > 0 {
		calls = 0
	}
	crew, err := load.Start(c.Load.jobs(s.place, prefix, calls, c.during != nil))
	if err != nil {
		return fail(err)
	}
	made, rounds, err := c.work(ctx, s, crew)
	if err != nil {
		return fail(err)
	}
	rows, err := c.check(ctx, s, made, rounds)
	if err != nil {
		return fail(err)
	}
	took, outages := s.outages(made)
	return Outcome{s.server.String(), rows, outages, took}, nil
}

// prefix is the prefix of all keys of a case. Cases can have the same one, because a case is alone on its server.
const prefix = "proof"

// work lets the crew call while the fault is injected, and returns the calls and the number of faults.
func (c Case) work(ctx context.Context, s *stage, crew *load.Crew) (calls []load.Call, rounds int, err error) {
	defer crew.Dismiss()
	if err := crew.Begin(); err != nil {
		return nil, 0, err
	}
	faulty, end := context.WithCancel(ctx)
	defer end()
	var done atomic.Int64
	fault := make(chan error, 1)
	go func() {
		defer crew.Stop()
		fault <- c.fault(faulty, s, crew, &done)
	}()
	calls, err = crew.Calls()
	end()
	if faultErr := <-fault; faultErr != nil && !errors.Is(faultErr, context.Canceled) {
		err = errors.Join(faultErr, err)
	}
	return calls, int(done.Load()), err
}

// fault injects the fault until all rounds are completed or ctx ends. After leastRounds, the crew may end.
func (c Case) fault(ctx context.Context, s *stage, crew *load.Crew, done *atomic.Int64) error {
	if c.during == nil {
		<-ctx.Done()
		return nil
	}
	for c.rounds == 0 || int(done.Load()) < c.rounds {
		if err := c.during(ctx, s); err != nil {
			if ctx.Err() != nil && c.rounds == 0 {
				return nil
			}
			return err
		}
		if done.Add(1) == leastRounds {
			crew.Enough()
		}
	}
	return nil
}

// check compares the journals and the calls with the definitions, and returns a row for each group of limits.
func (c Case) check(ctx context.Context, s *stage, calls []load.Call, rounds int) ([]Row, error) {
	byKey := map[[2]int][]load.Call{}
	for _, call := range calls {
		at := [2]int{call.Asked, call.Key}
		byKey[at] = append(byKey[at], call)
	}
	groups, err := c.groups()
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, group := range groups {
		kind, onServer := group.kind, group.stored
		row := Row{Case: c.Name, Subject: group.name, Server: s.server.Name + " " + s.server.Version, Rounds: rounds}
		journals, err := s.journals(ctx, onServer)
		if err != nil {
			return nil, err
		}
		for k, key := range c.Load.Keys {
			h := verify.History{
				Kind: kind, Limit: group.limit, Others: group.others, Key: key, Entries: journals[k], Losses: c.Losses * rounds,
			}
			for _, asked := range group.asked {
				h.Calls = append(h.Calls, byKey[[2]int{asked, k}]...)
			}
			if c.Unjournaled {
				h.Entries = answered(h.Calls)
			}
			f, err := h.Check()
			if err != nil {
				return nil, err
			}
			row.Add(f)
			row.Refused = max(row.Refused, refused(h))
		}
		if c.Load.Reserves > 0 {
			for _, key := range slices.Clone(onServer) {
				onServer = append(onServer, key+given)
			}
		}
		if row.NoTTL, err = s.immortal(ctx, onServer); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/leases"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// plans are the limits of the limiters that share the leases of a key. Their TTLs are short, so that many leases expire.
var plans = []leases.Plan{{Most: 3, TTL: 200 * time.Millisecond}, {Most: 3, TTL: 120 * time.Millisecond}, {Most: 2, TTL: 300 * time.Millisecond}}

// inflights are the cases of package inflight. There are several holders for each lease, so that some are always refused.
func inflights() []Case {
	l := Load{Processes: 6, Goroutines: 4, Keys: keys(6), Plans: "limiters of 3 leases of 200 ms, 3 of 120 ms and 2 of 300 ms at once"}
	far := l
	far.Keys = nil
	for i, key := range neighbours() {
		if i%4 == 0 {
			far.Keys = append(far.Keys, key)
		}
	}
	place := func(name string, l Load, stage func(context.Context, servers.Kind) (*stage, error)) Case {
		return Case{
			Name:    "inflight, holders are killed, " + name,
			Fault:   "one of the processes is killed with SIGKILL each 100 to 300 ms, and another is started; each 10th reply is lost, and its call sent again",
			Promise: "at each instant of the server's clock at most as many leases are held as the caller's limit allows, and a lease is refused only then; a lease of a process that died is free when it expires",
			Load:    l, Felt: ranUnseen, Kept: died(l), stage: stage, own: holdLeases,
		}
	}
	return []Case{
		place("one server", l, single()),
		place("a ring of three shards", far, ring),
		place("a cluster of three masters", far, masters),
	}
}

// wrongLeases returns a case with a wrong limiter of leases, which first checks whether a lease is free, and takes one in a
// second step.
func wrongLeases() Case {
	return Case{
		Name: "leases: look, then take", Load: Load{Processes: 6, Goroutines: 4, Keys: keys(1)},
		own: func(ctx context.Context, c Case, s *stage, calls int) ([]Row, error) {
			return c.lease(ctx, s, calls, true)
		},
	}
}

// died returns a check that processes were killed, and that some of them held leases.
func died(l Load) func(Row) error {
	return func(row Row) error {
		if row.Rounds == 0 || row.Abandoned == 0 {
			return fmt.Errorf("%d processes of %d were killed, %d leases ended by themselves: that proves nothing", row.Rounds, l.Processes, row.Abandoned)
		}
		return nil
	}
}

func holdLeases(ctx context.Context, c Case, s *stage, calls int) ([]Row, error) {
	return c.lease(ctx, s, calls, false)
}

// callsEach is about how many calls the processes make in a second.
const callsEach = 3000

// lease has processes hold leases, and checks the server's records.
func (c Case) lease(ctx context.Context, s *stage, calls int, wrong bool) ([]Row, error) {
	jobs := make([]leases.Job, c.Load.Processes)
	for i := range jobs {
		client := clientOf(int64(i))
		if s.place.Ring {
			client = load.GoRedis
		}
		jobs[i] = leases.Job{
			Place: s.place, Client: client, Coalesced: coalesced(int64(i)), Wrong: wrong, Prefix: prefix, Keys: c.Load.Keys,
			Plans: plans, Goroutines: c.Load.Goroutines,
		}
	}
	made, kills, err := leases.Run(ctx, jobs, time.Duration(calls)*time.Second/callsEach)
	if err != nil {
		return nil, err
	}
	row := Row{Case: c.Name, Subject: "inflight", Server: s.server.Name + " " + s.server.Version, Rounds: kills}
	var onServer []string
	for _, key := range c.Load.Keys {
		stored, err := leaseKey(key)
		if err != nil {
			return nil, err
		}
		onServer = append(onServer, stored)
	}
	journals, err := s.journals(ctx, onServer)
	if err != nil {
		return nil, err
	}
	byKey := map[int][]leases.Call{}
	for _, call := range made {
		byKey[call.Key] = append(byKey[call.Key], call)
	}
	for k, key := range c.Load.Keys {
		h := leases.History{Key: key, Plans: plans, Entries: journals[k], Calls: byKey[k]}
		f, abandoned, err := h.Check()
		if err != nil {
			return nil, err
		}
		row.Add(f)
		row.Abandoned += abandoned
	}
	if row.NoTTL, err = s.immortal(ctx, onServer); err != nil {
		return nil, err
	}
	left, err := s.left(ctx, onServer)
	row.NoTTL += left
	return []Row{row}, err
}

// leaseKey returns the key on the server of the leases of a KEY.
func leaseKey(key string) (string, error) {
	named := &keyNamer{}
	l, err := inflight.New(named, 1, time.Second, algorithms.WithPrefix(prefix))
	if err != nil {
		return "", err
	}
	if err := l.Reset(context.Background(), key); err != nil {
		return "", err
	}
	return named.key, nil
}

// left waits until all leases must have expired, and counts the keys that are still there.
func (s *stage) left(ctx context.Context, keys []string) (n int64, err error) {
	const grace = 100 * time.Millisecond
	longest := time.Duration(0)
	for _, plan := range plans {
		longest = max(longest, plan.TTL)
	}
	if err := rest(ctx, longest+2*grace); err != nil {
		return 0, err
	}
	for _, key := range keys {
		there, existsErr := s.admin.Exists(ctx, key).Result()
		n, err = n+there, errors.Join(err, existsErr)
	}
	return n, err
}

// keyNamer is a runner that stores the key of a call.
type keyNamer struct{ key string }

// Run implements scripts.Runner.
func (n *keyNamer) Run(_ context.Context, _ *scripts.Script, keys, _ []string) ([]int64, error) {
	n.key = keys[0]
	return []int64{1}, nil
}

package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/subject"
)

// slotKeys are keys in slots of all masters of a cluster.
var slotKeys = keys(40)

// failovers are the cases of a cluster of three masters with a replica each, and of a master with two replicas that three
// sentinels monitor.
func failovers() []Case {
	l := withoutResets(impatient(faultLoad()))
	l.Keys = slotKeys
	moving := l
	// The pause leaves processor time for the servers. A server that gets none for long enough is regarded as failed.
	l.Pause = 20 * time.Millisecond
	// Each of two masters at the same time would let capacity come back at the full rate. The period is so long that nothing
	// comes back during the case, so the count is what the two masters admit at first. There are so many keys that new ones
	// are used all the time.
	split := l
	split.Keys, split.Asked, split.MostCost = keys(400), under(algorithms.Per(2, 10*time.Minute)), 1
	lost := "what a replica had not yet received is forgotten: each limiter admits at most its limit once more"
	return []Case{
		{
			Name: "cluster, slots migrate", Fault: "slots in use move from one master to another, key by key",
			Promise: "a call that fails ran once or not at all", Load: moving, stage: cluster, during: migrate,
		},
		{
			Name: "cluster, a master is killed", Fault: "a master of the cluster is killed, its replica takes its place, and it comes back as a replica",
			Promise: lost, Losses: 1, Load: l, Felt: unlucky, stage: cluster, during: killClusterMaster, rounds: 1,
		},
		{
			Name: "sentinel, the master is killed", Fault: "the master is killed, sentinels put a replica in its place, and it comes back as a replica",
			Promise: lost, Losses: 1, Load: l, Felt: unlucky, stage: sentinel, during: killSentinelMaster, rounds: 1,
		},
		{
			Name: "sentinel, the master hangs", Fault: "the master hangs (SIGSTOP) until sentinels have replaced it by a replica, and then continues as a master until a sentinel reconfigures it",
			Promise: "each of the two masters admits a limit, and the counts of the old one are lost", Losses: 1,
			Load: split, Felt: unlucky, stage: sentinel, during: hangSentinelMaster, rounds: 1,
		},
	}
}

func cluster(ctx context.Context, kind servers.Kind) (*stage, error) {
	c, err := servers.RunCluster(ctx, kind, 3, 1)
	if err != nil {
		return nil, err
	}
	place := load.Place{Addrs: c.Seeds(), Cluster: true}
	return newStage(place, c.Nodes[0], c, c.Close), nil
}

func sentinel(ctx context.Context, kind servers.Kind) (*stage, error) {
	c, err := servers.RunSentinel(ctx, kind)
	if err != nil {
		return nil, err
	}
	place := load.Place{Addrs: c.SentinelAddrs(), MasterName: c.MasterName}
	return newStage(place, c.Nodes[0], c, c.Close), nil
}

// migrate moves the slot of one of the load's keys to the next master.
func migrate(ctx context.Context, s *stage) error {
	c := s.scenery.(*servers.Cluster)
	key := slotKeys[rand.IntN(len(slotKeys))]                                 //nolint:gosec // any will do
	onServer, err := subject.All[0].Key(algorithms.PerSecond(1), prefix, key) // all limits of a KEY share its slot
	if err != nil {
		return err
	}
	slot, err := s.admin.ClusterKeySlot(ctx, onServer).Result()
	if err != nil {
		return err
	}
	from, err := c.Master(ctx, int(slot))
	if err != nil {
		return err
	}
	for _, other := range []int{0, 5461, 10922, 16383} {
		to, err := c.Master(ctx, other)
		if err != nil {
			return err
		}
		if to != from {
			// The next move waits until all nodes know the slot's new owner. Otherwise, on Redis 6.0, no node has the slot in the end.
			return errors.Join(c.MoveSlot(ctx, int(slot), to, nil), c.AwaitHealthy(ctx))
		}
	}
	return errors.New("one master has all of the slots")
}

// replaced waits until another server is the master.
func replaced(ctx context.Context, old *servers.Server, master func() (*servers.Server, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		if now, err := master(); err == nil && now != old {
			return nil
		}
		if err := rest(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("no replica took the master's place: %w", err)
		}
	}
}

// replace stops a master, waits for its replacement, lets the load continue with the new master, and starts the old master
// again after a while.
func (s *stage) replace(ctx context.Context, master func() (*servers.Server, error), how downAndUp, healthy func(context.Context) error) error {
	if err := rest(ctx, time.Second); err != nil {
		return err
	}
	old, err := master()
	if err != nil {
		return err
	}
	began := now()
	if err := how.down(old, ctx); err != nil {
		return err
	}
	if err := replaced(ctx, old, master); err != nil {
		return errors.Join(err, how.up(old, ctx))
	}
	s.troubles = append(s.troubles, trouble{began, now()})
	return errors.Join(rest(ctx, how.after), how.up(old, ctx), healthy(ctx), rest(ctx, time.Second))
}

// downAndUp is a way to stop a server and to start it again. after is how long the server stays down after it was replaced.
type downAndUp struct {
	down, up func(*servers.Server, context.Context) error
	after    time.Duration
}

var (
	killed = downAndUp{(*servers.Server).Kill, (*servers.Server).Revive, 3 * time.Second}
	hung   = downAndUp{(*servers.Server).Pause, (*servers.Server).Resume, 0}
)

func killClusterMaster(ctx context.Context, s *stage) error {
	c := s.scenery.(*servers.Cluster)
	if err := c.SetTimeout(ctx, servers.Watchful); err != nil {
		return err
	}
	err := s.replace(ctx, func() (*servers.Server, error) { return c.Master(ctx, 0) }, killed, c.AwaitHealthy)
	return errors.Join(err, c.SetTimeout(ctx, servers.Steady))
}

func killSentinelMaster(ctx context.Context, s *stage) error {
	c := s.scenery.(*servers.Sentinel)
	return s.replace(ctx, func() (*servers.Server, error) { return c.Master(ctx) }, killed, c.AwaitHealthy)
}

func hangSentinelMaster(ctx context.Context, s *stage) error {
	c := s.scenery.(*servers.Sentinel)
	return s.replace(ctx, func() (*servers.Server, error) { return c.Master(ctx) }, hung, c.AwaitHealthy)
}

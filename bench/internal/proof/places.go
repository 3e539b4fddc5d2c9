package proof

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
)

// neighbours returns KEYs of three slots of a cluster, eight of each slot. On a ring, KEYs of one slot are on different
// shards.
func neighbours() []string {
	return strings.Split("tenant 94,tenant 1783,tenant 17083,tenant 18914,tenant 21732,tenant 24040,tenant 30773,tenant 35001,"+
		"tenant 95,tenant 1782,tenant 17082,tenant 18915,tenant 21733,tenant 24041,tenant 30772,tenant 35000,"+
		"tenant 97,tenant 1780,tenant 17080,tenant 18917,tenant 21731,tenant 24043,tenant 30770,tenant 35002", ",")
}

// places are the cases without a fault whose keys are on several servers, or on a server in cluster mode.
func places() []Case {
	l := patient(withoutResets(faultLoad()))
	l.Keys = neighbours()
	place := func(name, fault string, stage func(context.Context, servers.Kind) (*stage, error)) Case {
		return Case{Name: name, Fault: fault, Promise: "no call fails", Load: l, Kept: noErrors, stage: stage}
	}
	return []Case{
		place("a ring of three shards", "none; the keys are of three slots of a cluster, which a ring takes no notice of", ring),
		place("a cluster of three masters", "none; the keys are of three slots", masters),
		place("a plain client of a cluster's node", "none; the node has all slots, and the clients don't know that it is in a cluster", loneNode),
	}
}

// ring returns a stage of three servers that don't know of each other.
func ring(ctx context.Context, kind servers.Kind) (*stage, error) {
	place := load.Place{Ring: true}
	var shards []*servers.Server
	stop := func() error {
		var errs []error
		for _, shard := range shards {
			errs = append(errs, shard.Close())
		}
		return errors.Join(errs...)
	}
	for i := range 3 {
		shard, err := servers.Run(ctx, kind)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("shard %d: %w", i, err), stop())
		}
		shards, place.Addrs = append(shards, shard), append(place.Addrs, shard.Addr)
	}
	return newStage(place, shards[0], nil, stop), nil
}

func masters(ctx context.Context, kind servers.Kind) (*stage, error) {
	c, err := servers.RunCluster(ctx, kind, 3, 0)
	if err != nil {
		return nil, err
	}
	return newStage(load.Place{Addrs: c.Seeds(), Cluster: true}, c.Nodes[0], c, c.Close), nil
}

func loneNode(ctx context.Context, kind servers.Kind) (*stage, error) {
	c, err := servers.RunCluster(ctx, kind, 1, 0)
	if err != nil {
		return nil, err
	}
	return newStage(load.Place{Addrs: c.Seeds()}, c.Nodes[0], c, c.Close), nil
}

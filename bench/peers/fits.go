package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// probe is a key that is never written: with it a server is asked what its commands take.
const probe = "weir-bench-probe"

// hasAutoPipeline is the Fits of what is sent through Clients.AutoPipeline.
func hasAutoPipeline(_ context.Context, clients *Clients) error {
	if clients.AutoPipeline == nil {
		return errors.New("go-redis has no AutoPipeline for servers of this shape")
	}
	return nil
}

// noCluster returns the Fits of a limiter that works on no cluster, and says why.
func noCluster(why string) func(context.Context, *Clients) error {
	return func(_ context.Context, clients *Clients) error {
		if _, cluster := clients.GoRedis.(*redis.ClusterClient); cluster {
			return errors.New("not on a cluster: " + why)
		}
		return nil
	}
}

// hasPExpireNX is the Fits of what needs PEXPIRE with the option NX, which servers have from Redis 7.0 on.
func hasPExpireNX(ctx context.Context, clients *Clients) error {
	if err := clients.GoRedis.Do(ctx, "pexpire", probe, 1, "nx").Err(); err != nil {
		return fmt.Errorf("the server's PEXPIRE takes no NX: %w", err)
	}
	return nil
}

// hasCommand returns the Fits of what needs a command of that name.
func hasCommand(name string) func(context.Context, *Clients) error {
	return func(ctx context.Context, clients *Clients) error {
		known, err := clients.GoRedis.Do(ctx, "command", "info", name).Slice()
		if err != nil {
			return fmt.Errorf("the server does not tell whether it has %s: %w", name, err)
		}
		if len(known) == 0 || known[0] == nil {
			return errors.New("the server has no " + name)
		}
		return nil
	}
}

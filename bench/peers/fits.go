package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// probe is a key that is never written. It serves to find out which options a server's commands take.
const probe = "weir-bench-probe"

// hasAutoPipeline is the Fits of limiters that use Clients.AutoPipeline.
func hasAutoPipeline(_ context.Context, clients *Clients) error {
	if clients.AutoPipeline == nil {
		return errors.New("go-redis has no AutoPipeline for this kind of client")
	}
	return nil
}

// noCluster returns the Fits of a limiter that doesn't work on a cluster. why is the reason.
func noCluster(why string) func(context.Context, *Clients) error {
	return func(_ context.Context, clients *Clients) error {
		if _, cluster := clients.GoRedis.(*redis.ClusterClient); cluster {
			return errors.New("not on a cluster: " + why)
		}
		return nil
	}
}

// hasPExpireNX is the Fits of limiters that need PEXPIRE with the option NX. Redis has it since 7.0.
func hasPExpireNX(ctx context.Context, clients *Clients) error {
	if err := clients.GoRedis.Do(ctx, "pexpire", probe, 1, "nx").Err(); err != nil {
		return fmt.Errorf("the server's PEXPIRE has no option NX: %w", err)
	}
	return nil
}

// hasSetPXAt is the Fits of limiters that need SET with the option PXAT. Redis has it since 6.2. With XX, SET doesn't write the probe,
// and answers nil.
func hasSetPXAt(ctx context.Context, clients *Clients) error {
	if err := clients.GoRedis.Do(ctx, "set", probe, "", "xx", "pxat", 1).Err(); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("the server's SET has no option PXAT: %w", err)
	}
	return nil
}

// hasCommand returns the Fits of limiters that need a command.
func hasCommand(name string) func(context.Context, *Clients) error {
	return func(ctx context.Context, clients *Clients) error {
		known, err := clients.GoRedis.Do(ctx, "command", "info", name).Slice()
		if err != nil {
			return fmt.Errorf("can't find out whether the server has the command %s: %w", name, err)
		}
		if len(known) == 0 || known[0] == nil {
			return errors.New("the server has no command " + name)
		}
		return nil
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/bench/shared/target"
	"github.com/go-weir/weir/scripts/coalesce"
)

// connectTime is the timeout for reaching the server.
const connectTime = 10 * time.Second

// connect makes the clients of a worker and checks that they reach the server.
func connect(place target.Place, wire *wire) (*Clients, error) {
	ctx, stop := context.WithTimeout(context.Background(), connectTime)
	defer stop()
	clients := &Clients{coalescers: map[string]*coalesce.Runner{}, GoRedis: place.GoRedis(wire.dial), RueidisOption: place.Rueidis(wire.dial)}
	if err := clients.GoRedis.Ping(ctx).Err(); err != nil {
		clients.Close()
		return nil, fmt.Errorf("go-redis: %w", err)
	}
	gathers := place.GoRedis(wire.dial) // a separate client, which shares no pool with GoRedis
	clients.behind = gathers
	if piped, ok := gathers.(interface {
		AutoPipeline() (*redis.AutoPipeliner, error)
	}); ok {
		piper, err := piped.AutoPipeline()
		if err != nil {
			clients.Close()
			return nil, fmt.Errorf("go-redis' AutoPipeline: %w", err)
		}
		clients.AutoPipeline = piper
	}
	var err error
	if clients.Rueidis, err = rueidis.NewClient(clients.RueidisOption); err != nil {
		clients.Close()
		return nil, fmt.Errorf("rueidis: %w", err)
	}
	return clients, nil
}

// Close ends the connections.
func (c *Clients) Close() error {
	var errs []error
	for _, coalescer := range c.coalescers {
		errs = append(errs, coalescer.Close(context.Background()))
	}
	if c.AutoPipeline != nil {
		errs = append(errs, c.AutoPipeline.Close())
	}
	for _, client := range []redis.UniversalClient{c.GoRedis, c.behind} {
		if client != nil {
			errs = append(errs, client.Close())
		}
	}
	if c.Rueidis != nil {
		c.Rueidis.Close()
	}
	return errors.Join(errs...)
}

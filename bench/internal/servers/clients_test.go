package servers

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// user has the methods of a client library that the tests need.
type user struct {
	name string
	get  func(ctx context.Context, key string) (string, error)
	set  func(ctx context.Context, key, value string) error
}

func goRedisClient(t *testing.T, c redis.UniversalClient) user {
	t.Cleanup(func() { _ = c.Close() })
	return user{
		"go-redis",
		func(ctx context.Context, key string) (string, error) { return c.Get(ctx, key).Result() },
		func(ctx context.Context, key, value string) error { return c.Set(ctx, key, value, 0).Err() },
	}
}

func rueidisClient(t *testing.T, option rueidis.ClientOption) user {
	t.Helper()
	c, err := rueidis.NewClient(option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return user{
		"rueidis",
		func(ctx context.Context, key string) (string, error) {
			return c.Do(ctx, c.B().Get().Key(key).Build()).ToString()
		},
		func(ctx context.Context, key, value string) error {
			return c.Do(ctx, c.B().Set().Key(key).Value(value).Build()).Error()
		},
	}
}

// clusterClients connects both libraries to a cluster.
func clusterClients(t *testing.T, c *Cluster) []user {
	return []user{
		goRedisClient(t, redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: c.Seeds(),
			// With the default, go-redis notices only after a minute that the old master's address is closed.
			ClusterStateReloadInterval: time.Second,
		})),
		rueidisClient(t, rueidis.ClientOption{InitAddress: c.Seeds()}),
	}
}

// sentinelClients connects both libraries to the master that the sentinels name.
func sentinelClients(t *testing.T, s *Sentinel) []user {
	return []user{
		goRedisClient(t, redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: s.MasterName, SentinelAddrs: s.SentinelAddrs(),
		})),
		rueidisClient(t, rueidis.ClientOption{
			InitAddress: s.SentinelAddrs(),
			Sentinel:    rueidis.SentinelOption{MasterSet: s.MasterName},
		}),
	}
}

// recovers checks that each client reaches the servers again, and reads the value that was written before.
func recovers(t *testing.T, clients []user, key, value string) {
	t.Helper()
	begin := time.Now()
	for _, c := range clients {
		eventually(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			if err := c.set(ctx, key+c.name, value); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			return c.holds(ctx, key, value)
		})
		t.Logf("%s wrote again %v later", c.name, time.Since(begin))
	}
}

// holds returns an error unless the client reads the value want.
func (c user) holds(ctx context.Context, key, want string) error {
	if got, err := c.get(ctx, key); err != nil || got != want {
		return fmt.Errorf("%s: %s is %q, %v, want %q", c.name, key, got, err, want) //nolint:errorlint // err can be nil
	}
	return nil
}

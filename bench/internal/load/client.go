package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// The clients that a worker can use.
const (
	GoRedis = "goredis"
	Rueidis = "rueidis"
)

// A Place is a server, a cluster, a ring, or the master and replicas that sentinels monitor.
type Place struct {
	Addrs      []string // of the server, some nodes of a cluster, a ring's shards, or sentinels
	Cluster    bool     // whether the addresses are of a cluster's nodes
	Ring       bool     // whether the addresses are of independent servers that share the keys; go-redis only
	MasterName string   // the master's name, if the addresses are of sentinels

	// Patience is how long a client waits for a connection, and for a reply if its caller sets no deadline. 0 is two
	// seconds. Connect waits for longer.
	Patience time.Duration
}

func (p Place) patience() time.Duration { return cmp.Or(p.Patience, 2*time.Second) }

// Connect connects a client of that name to the place. It returns a runner over the client, and a function that closes the
// client. If the place doesn't answer in time, Connect tries again for some minutes, so that a client without much patience
// can start on a busy machine.
func (p Place) Connect(ctx context.Context, client string) (run scripts.Runner, close func(), err error) {
	for began := time.Now(); ; {
		run, close, err = p.connect(ctx, client)
		var late net.Error
		if !errors.As(err, &late) || !late.Timeout() || ctx.Err() != nil || time.Since(began) > 5*time.Minute {
			return run, close, err
		}
	}
}

func (p Place) connect(ctx context.Context, client string) (run scripts.Runner, close func(), err error) {
	if client == Rueidis {
		if p.Ring {
			return nil, nil, errors.New("load: rueidis has no ring")
		}
		c, err := rueidis.NewClient(p.rueidis())
		if err != nil {
			return nil, nil, err
		}
		run, err := rueidisrunner.New(c)
		return run, c.Close, err
	}
	if client != GoRedis {
		return nil, nil, fmt.Errorf("load: no client %q", client)
	}
	c := p.GoRedis(p.patience())
	if err := c.Ping(ctx).Err(); err != nil {
		_ = c.Close()
		return nil, nil, err
	}
	run, err = goredisrunner.New(c)
	return run, func() { _ = c.Close() }, err
}

// GoRedis returns a go-redis client for the place. The timeout is for reads and writes.
func (p Place) GoRedis(timeout time.Duration) redis.UniversalClient {
	logging.Disable() // it writes failed dials to stderr
	if p.Ring {
		return p.ring(timeout)
	}
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 p.Addrs,
		MasterName:            p.MasterName,
		IsClusterMode:         p.Cluster,
		DialTimeout:           p.patience(),
		ReadTimeout:           timeout,
		WriteTimeout:          timeout,
		ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})
}

// ring returns a client that distributes the keys among shards, and never moves them, even if a shard fails: its heartbeat
// always succeeds.
func (p Place) ring(timeout time.Duration) *redis.Ring {
	shards := map[string]string{}
	for i, addr := range p.Addrs {
		shards[fmt.Sprint("shard ", i)] = addr
	}
	return redis.NewRing(&redis.RingOptions{
		Addrs:                 shards,
		HeartbeatFn:           func(context.Context, *redis.Client) bool { return true },
		DialTimeout:           p.patience(),
		ReadTimeout:           timeout,
		WriteTimeout:          timeout,
		ContextTimeoutEnabled: true,
	})
}

func (p Place) rueidis() rueidis.ClientOption {
	return rueidis.ClientOption{
		InitAddress:       p.Addrs,
		Sentinel:          rueidis.SentinelOption{MasterSet: p.MasterName},
		ForceSingleClient: !p.Cluster && p.MasterName == "",
		DisableCache:      true,
		AlwaysPipelining:  true,
		ConnWriteTimeout:  p.patience(),
		Dialer:            net.Dialer{Timeout: p.patience(), KeepAlive: time.Second},
	}
}

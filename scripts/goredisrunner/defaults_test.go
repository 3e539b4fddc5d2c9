// testing/synctest is new in Go 1.25.

//go:build go1.25

package goredisrunner_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// A dial connects to a server that is down, silent or otherwise useless. Time is synctest's.
type dial func(ctx context.Context, network, addr string) (net.Conn, error)

var errRefused = errors.New("refused")

func refused(context.Context, string, string) (net.Conn, error) { return nil, errRefused }

func unreachable(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func silent(context.Context, string, string) (net.Conn, error) { return runnertest.Silent(), nil }

func friendly(context.Context, string, string) (net.Conn, error) { return runnertest.Friendly(), nil }

// useless makes clients of such a server, with the default options except for the given ones.
var useless = map[string]func(d dial, deadlines bool, poolSize int) redis.UniversalClient{
	"single": func(d dial, deadlines bool, poolSize int) redis.UniversalClient {
		return redis.NewClient(&redis.Options{
			Addr: "192.0.2.1:6379", Dialer: d, ContextTimeoutEnabled: deadlines, PoolSize: poolSize,
		})
	},
	"cluster": func(d dial, deadlines bool, poolSize int) redis.UniversalClient {
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{"192.0.2.1:6379"}, Dialer: d, ContextTimeoutEnabled: deadlines, PoolSize: poolSize,
		})
	},
}

// patient makes a call under a deadline, or without one if it is 0, and returns how long the call took.
func patient(client redis.UniversalClient, deadline time.Duration) (took time.Duration, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	if deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, deadline)
	}
	defer cancel()
	begin := time.Now()
	_, err = errtest.Must(goredisrunner.New(client)).Run(ctx, runnertest.Count, []string{"key"}, nil)
	return time.Since(begin), err
}

// ended closes a client and waits for its remaining dials and calls. It is called in a
// bubble of synctest, whose minute takes no time.
func ended(client redis.UniversalClient) {
	_ = client.Close()
	<-time.After(time.Minute)
}

// about allows for the pause that go-redis makes after a failed handshake.
func about(took, want time.Duration) bool {
	return took >= want && took <= want+100*time.Millisecond
}

// TestCostOfNoServer tests how long a call takes if the server doesn't answer, with a deadline and without.
func TestCostOfNoServer(t *testing.T) {
	const soon, connect = 60 * time.Millisecond, 5*5*time.Second + 4*100*time.Millisecond
	for name, test := range map[string]struct {
		dial      dial
		deadline  time.Duration
		deadlines bool // ContextTimeoutEnabled
		cost      time.Duration
		err       error
	}{
		"refused":                            {refused, 0, false, 400 * time.Millisecond, errRefused},
		"refused, deadline":                  {refused, soon, false, soon, context.DeadlineExceeded},
		"unreachable":                        {unreachable, 0, false, connect, context.DeadlineExceeded}, // of the dial
		"unreachable, deadline":              {unreachable, soon, false, soon, context.DeadlineExceeded},
		"no handshake":                       {silent, 0, false, 5 * time.Second, os.ErrDeadlineExceeded},
		"no handshake, deadline":             {silent, soon, false, soon, context.DeadlineExceeded},
		"no handshake, deadline heeded":      {silent, soon, true, soon, context.DeadlineExceeded},
		"silent afterwards":                  {friendly, 0, false, 5 * time.Second, os.ErrDeadlineExceeded},
		"silent afterwards, deadline":        {friendly, soon, false, soon, context.DeadlineExceeded},
		"silent afterwards, deadline heeded": {friendly, soon, true, soon, context.DeadlineExceeded},
	} {
		for kind, connect := range useless {
			if kind == "cluster" && strings.HasPrefix(name, "silent") {
				continue // a server that answers only the handshake isn't a cluster
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := connect(test.dial, test.deadlines, 0)
					defer ended(client)
					took, err := patient(client, test.deadline)
					if !about(took, test.cost) || !errors.Is(err, test.err) {
						t.Errorf("took %v, %v, want %v, %v", took, err, test.cost, test.err)
					}
				})
			})
		}
	}
}

// late tells errors of reading some time after they happened. go-redis may read twice.
type late struct{ net.Conn }

func (l late) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if err != nil {
		<-time.After(20 * time.Millisecond)
	}
	return n, err
}

// TestHangEndsByDeadline: with ContextTimeoutEnabled, a call to a server that never answers ends at the context's deadline. The
// error wraps the context's error and the socket's, even if go-redis returns the latter some time after the deadline.
func TestHangEndsByDeadline(t *testing.T) {
	dialLate := func(context.Context, string, string) (net.Conn, error) { return late{runnertest.Friendly()}, nil }
	for kind, connect := range map[string]func() redis.UniversalClient{
		"single": func() redis.UniversalClient { return useless["single"](dialLate, true, 0) },
		"cluster": func() redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{
				ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
					return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: "192.0.2.1:6379"}}}}, nil
				},
				Dialer: dialLate, ContextTimeoutEnabled: true,
			})
		},
		"ring": func() redis.UniversalClient {
			return redis.NewRing(&redis.RingOptions{
				Addrs: map[string]string{"one": "192.0.2.1:6379"}, Dialer: dialLate, ContextTimeoutEnabled: true,
			})
		},
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := connect()
				defer ended(client)
				_, err := patient(client, 60*time.Millisecond)
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Run = %v, want the context's error and the socket's", err)
				}
			})
		})
	}
}

// TestFullPoolEndsByDeadline: a call that finds no free connection waits at most until its context ends. (It runs in real
// time, because go-redis keeps timers from one test for the next.)
func TestFullPoolEndsByDeadline(t *testing.T) {
	client := closing(t, redis.NewClient(&redis.Options{
		Addr: "192.0.2.1:6379", Dialer: friendly, PoolSize: 1, PoolTimeout: time.Hour, ReadTimeout: time.Hour,
	}), nil)
	go func() { _, _ = patient(client, 0) }()
	late := time.After(patience)
	for client.PoolStats().TotalConns == 0 {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatal("the pool has made no connection")
		}
	}
	_, err := patient(client, 50*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) {
		t.Errorf("Run = %v, want context.DeadlineExceeded alone", err)
	}
}

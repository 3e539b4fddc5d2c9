// testing/synctest is new in Go 1.25.

//go:build go1.25

package rueidisrunner_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// A dial connects to a server that is down, silent or otherwise useless. Time is synctest's.
type dial func(ctx context.Context, dialer *net.Dialer) (net.Conn, error)

var errRefused = errors.New("refused")

func refused(context.Context, *net.Dialer) (net.Conn, error) { return nil, errRefused }

func unreachable(ctx context.Context, dialer *net.Dialer) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialer.Timeout) // as a net.Dialer does
	defer cancel()
	<-ctx.Done()
	return nil, ctx.Err()
}

func silent(context.Context, *net.Dialer) (net.Conn, error) { return runnertest.Silent(), nil }

func friendly(context.Context, *net.Dialer) (net.Conn, error) { return runnertest.Friendly(), nil }

// useless makes a runner over a client of such a server, with the default options except for those that set changes.
func useless(t *testing.T, d dial, set func(*rueidis.ClientOption)) *rueidisrunner.Runner {
	t.Helper()
	o := rueidis.ClientOption{
		InitAddress: []string{"192.0.2.1:6379"}, ForceSingleClient: true, DisableCache: true,
		AlwaysPipelining: true, PipelineMultiplex: -1,
		DialCtxFn: func(ctx context.Context, _ string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d(ctx, dialer)
		},
	}
	set(&o)
	client, _ := rueidis.NewClient(o) // with ForceSingleClient there is a client even if it could not connect
	t.Cleanup(client.Close)
	return errtest.Must(rueidisrunner.New(client))
}

// patient makes a call under a deadline, or without one if it is 0, and returns how long the call took.
func patient(run *rueidisrunner.Runner, deadline time.Duration) (took time.Duration, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	if deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, deadline)
	}
	defer cancel()
	begin := time.Now()
	_, err = run.Run(ctx, runnertest.Count, []string{"key"}, nil)
	return time.Since(begin), err
}

// TestCostOfNoServer tests how long a call takes if the server doesn't answer, with a deadline and without.
func TestCostOfNoServer(t *testing.T) {
	const soon = 50 * time.Millisecond
	for name, test := range map[string]struct {
		dial     dial
		deadline time.Duration
		cost     time.Duration
		err      error // nil: a timeout of the connection
	}{
		"refused":                     {refused, 0, 0, errRefused},
		"unreachable":                 {unreachable, 0, 5 * time.Second, context.DeadlineExceeded}, // of the dial
		"unreachable, deadline":       {unreachable, soon, soon, context.DeadlineExceeded},
		"no handshake":                {silent, 0, 5 * time.Second, context.DeadlineExceeded},
		"no handshake, deadline":      {silent, soon, soon, context.DeadlineExceeded},
		"silent afterwards":           {friendly, 0, 11 * time.Second, nil}, // ConnWriteTimeout and a KeepAlive
		"silent afterwards, deadline": {friendly, soon, soon, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run := useless(t, test.dial, func(*rueidis.ClientOption) {})
				took, err := patient(run, test.deadline)
				if took != test.cost {
					t.Errorf("took %v, want %v", took, test.cost)
				}
				var timeout net.Error
				if test.err != nil && !errors.Is(err, test.err) || test.err == nil && (!errors.As(err, &timeout) || !timeout.Timeout()) {
					t.Errorf("Run = %v, want %v", err, test.err)
				}
			})
		})
	}
}

// TestWaitsNoLongerThanItsContext: in these states of its connections rueidis makes a call wait beyond its context. The
// runner doesn't.
func TestWaitsNoLongerThanItsContext(t *testing.T) {
	const soon = 50 * time.Millisecond
	ends := func(t *testing.T, run *rueidisrunner.Runner) {
		t.Helper()
		if took, err := patient(run, soon); took != soon || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("took %v, %v, want %v and DeadlineExceeded", took, err, soon)
		}
	}
	for name, test := range map[string]func(*testing.T){
		"another call connects": func(t *testing.T) {
			run := useless(t, silent, func(*rueidis.ClientOption) {})
			go func() { _, _ = patient(run, 0) }()
			synctest.Wait() // it connects
			ends(t, run)
		},
		"the dialer knows no contexts": func(t *testing.T) {
			ends(t, useless(t, nil, func(o *rueidis.ClientOption) {
				o.DialCtxFn, o.DialFn = nil, func(string, *net.Dialer, *tls.Config) (net.Conn, error) {
					<-time.After(time.Second)
					return nil, errRefused
				}
			}))
		},
		"the ring is full": func(t *testing.T) {
			run := useless(t, friendly, func(o *rueidis.ClientOption) { o.RingScaleEachConn = 1 })
			for range 4 {
				ends(t, run)
			}
		},
		"no pipeline, full pool": func(t *testing.T) {
			run := useless(t, friendly, func(o *rueidis.ClientOption) {
				o.AlwaysPipelining, o.DisableAutoPipelining, o.BlockingPoolSize = false, true, 1
			})
			go func() { _, _ = patient(run, 0) }()
			synctest.Wait() // it has the connection
			ends(t, run)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t)
				<-time.After(time.Minute) // until rueidis gives up too
			})
		})
	}
}

// TestCancelEndsACallAlone: a call that uses its connection alone, as without AlwaysPipelining, ends if its context is
// canceled.
func TestCancelEndsACallAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := useless(t, friendly, func(o *rueidis.ClientOption) { o.AlwaysPipelining = false })
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		failed := make(chan error, 1)
		go func() {
			_, err := run.Run(ctx, runnertest.Count, []string{"key"}, nil)
			failed <- err
		}()
		synctest.Wait() // it waits for an answer
		cancel()
		synctest.Wait()
		select {
		case err := <-failed:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v, want context.Canceled", err)
			}
		default:
			t.Error("Run waits on")
		}
		<-time.After(time.Minute)
	})
}

// TestOthersDialFails tests a case that the package comment names: calls that come while another one connects get the error
// of that one. If this test fails, rueidis has fixed it, and the comment can be deleted.
func TestOthersDialFails(t *testing.T) {
	const soon = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		run := useless(t, silent, func(*rueidis.ClientOption) {})
		go func() { _, _ = patient(run, soon) }()
		synctest.Wait() // it connects
		if took, err := patient(run, 0); took != soon || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("took %v, %v", took, err)
		}
	})
}

// TestConnLifetime tests the exception that the package comment names, and the way to avoid it. If the first half fails,
// rueidis has fixed it, and the comment can be deleted.
func TestConnLifetime(t *testing.T) {
	for name, test := range map[string]struct {
		pipelining, resent bool
	}{
		"pipelining":       {true, true},
		"never pipelining": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent atomic.Int64
				dial := func(context.Context, *net.Dialer) (net.Conn, error) { return tally{runnertest.Friendly(), &sent}, nil }
				run := useless(t, dial, func(o *rueidis.ClientOption) {
					o.ConnLifetime = 200 * time.Millisecond
					o.AlwaysPipelining, o.DisableAutoPipelining = test.pipelining, !test.pipelining
				})
				_, err := patient(run, 2*time.Second)
				if n := sent.Load(); n == 0 || n > 1 != test.resent {
					t.Errorf("the call was sent %d times; Run = %v", n, err)
				}
				<-time.After(time.Minute)
			})
		})
	}
}

// tally counts the calls of scripts that are written to a connection.
type tally struct {
	net.Conn
	sent *atomic.Int64
}

func (c tally) Write(p []byte) (int, error) {
	c.sent.Add(int64(bytes.Count(p, []byte("EVALSHA"))))
	return c.Conn.Write(p)
}

package conformance_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// testBusyServer: if the server reads no calls for a while, a call that was sent meanwhile is answered later. A server reads no
// calls while it runs another client's script, but here it is paused, so that it can't go on before the call was sent.
func testBusyServer(t *testing.T, own ownServer) {
	var sent atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return scriptCounter{conn, &sent}, nil
	}
	options := rueidisOptions(own.addr)
	options.PipelineMultiplex = -1 // a new connection couldn't send the call before the server goes on
	options.DialCtxFn = func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
		return dial(ctx, "tcp", addr)
	}
	for name, run := range map[string]scripts.Runner{
		"goredis": errtest.Must(goredisrunner.New(newGoRedis(t, &redis.Options{Addr: own.addr, Dialer: dial}))),
		"rueidis": errtest.Must(rueidisrunner.New(connectRueidis(t, options))),
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range askers(t, run, "answers-"+t.Name()) {
				want := a.ask(t) - 1
				before, answered := sent.Load(), make(chan error, 1)
				own.paused(t, func() {
					go func() {
						left, err := a.allow(soon(t), "k")
						if err == nil && left != want {
							err = fmt.Errorf("%d left, want %d", left, want)
						}
						answered <- err
					}()
					until(t, "the call was sent", func() bool { return sent.Load() > before || len(answered) > 0 })
				})
				if err := <-answered; err != nil {
					t.Errorf("%s: %v", a.name, err)
				}
			}
		})
	}
}

// paused calls f while the server is paused.
func (own ownServer) paused(t *testing.T, f func()) {
	t.Helper()
	if err := own.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := own.Resume(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	f()
}

// scriptCounter is a client's connection that counts the calls of scripts after they were sent.
type scriptCounter struct {
	net.Conn
	sent *atomic.Int64
}

func (c scriptCounter) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	if err == nil && bytes.Contains(bytes.ToUpper(data), []byte("EVALSHA")) {
		c.sent.Add(1)
	}
	return n, err
}

// testSilence: if a server doesn't answer, a call ends with its context or with the client's timeout. The call is charged at most once,
// even if the server runs it later.
func testSilence(t *testing.T, own ownServer) {
	const patience = 100 * time.Millisecond
	for _, way := range []struct {
		name    string
		connect func(t *testing.T) scripts.Runner
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		is      func(err error) bool
	}{
		{
			"goredis/deadline", func(t *testing.T) scripts.Runner {
				return errtest.Must(goredisrunner.New(newGoRedis(t, &redis.Options{Addr: own.addr, ContextTimeoutEnabled: true})))
			},
			withDeadline(patience), isDeadline,
		}, {
			"goredis/ReadTimeout", func(t *testing.T) scripts.Runner {
				return errtest.Must(goredisrunner.New(newGoRedis(t, &redis.Options{Addr: own.addr, ReadTimeout: patience})))
			},
			context.WithCancel, isTimeout,
		}, {
			"rueidis/deadline", func(t *testing.T) scripts.Runner {
				return errtest.Must(rueidisrunner.New(newRueidis(t, own.addr)))
			},
			withDeadline(patience), isDeadline,
		}, {
			"rueidis/cancel", func(t *testing.T) scripts.Runner {
				return errtest.Must(rueidisrunner.New(newRueidis(t, own.addr)))
			},
			func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(patience, cancel)
				return ctx, cancel
			},
			func(err error) bool { return errors.Is(err, context.Canceled) },
		}, {
			"rueidis/ConnWriteTimeout", func(t *testing.T) scripts.Runner {
				options := rueidisOptions(own.addr)
				options.ConnWriteTimeout, options.Dialer.KeepAlive = patience, patience/5
				client, err := rueidis.NewClient(options)
				if client == nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close) // NewClient may return a client that has yet to connect
				return errtest.Must(rueidisrunner.New(client))
			},
			context.WithCancel, isTimeout,
		},
	} {
		t.Run(way.name, func(t *testing.T) {
			prefix := "answers-" + t.Name()
			impatient, patient := askers(t, way.connect(t), prefix), askers(t, own, prefix)
			left := map[string]int64{}
			for _, a := range patient {
				left[a.name] = a.ask(t)
			}
			answers := func(a asker) func() bool {
				return func() bool {
					ctx, cancel := way.ctx(t.Context())
					defer cancel()
					_, err := a.allow(ctx, "another")
					return err == nil
				}
			}
			until(t, "the client is connected", answers(impatient[0]))
			own.paused(t, func() {
				var asked sync.WaitGroup
				for _, a := range impatient {
					asked.Go(func() {
						ctx, cancel := way.ctx(t.Context())
						defer cancel()
						if now, err := a.allow(ctx, "k"); !way.is(err) {
							t.Errorf("%s: %d left, %v, want the end of patience", a.name, now, err)
						}
					})
				}
				asked.Wait()
			})
			until(t, "the client is answered again", answers(impatient[0]))
			for _, a := range patient {
				if charged := left[a.name] - 1 - a.ask(t); charged < 0 || charged > 1 {
					t.Errorf("%s: one call was charged %d times", a.name, charged)
				}
			}
		})
	}
}

func withDeadline(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
}

func isDeadline(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

// isTimeout reports whether err is a timeout of the client and not of the context.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() && !isDeadline(err)
}

// testPool: if the only connection of go-redis is in use, the call isn't sent, and the error says so. (rueidis sends all calls through
// its pipelines.)
func testPool(t *testing.T, own ownServer) {
	client := newGoRedis(t, &redis.Options{Addr: own.addr, PoolSize: 1, PoolTimeout: 50 * time.Millisecond})
	l, err := gcra.New(errtest.Must(goredisrunner.New(client)), answerLimit, algorithms.WithPrefix("answers-"+t.Name()))
	if err != nil {
		t.Fatal(err)
	}
	before := ask(t, l, "k", 1).Remaining
	taken := make(chan error, 1)
	go func() { taken <- client.BLPop(soon(t), 0, "answers-queue").Err() }()
	until(t, "the connection is taken", func() bool { return own.info(t, "clients", "blocked_clients") == "1" })
	if r, err := l.Allow(soon(t), "k"); !errors.Is(err, redis.ErrPoolTimeout) || r != (algorithms.Result{}) {
		t.Errorf("%+v, %v, want redis.ErrPoolTimeout", r, err)
	}
	own.do(t, "RPUSH", "answers-queue", "x")
	if err := <-taken; err != nil {
		t.Error(err)
	}
	if now := ask(t, l, "k", 1).Remaining; now != before-1 {
		t.Errorf("%d left before, and %d when asked next, want one less", before, now)
	}
}

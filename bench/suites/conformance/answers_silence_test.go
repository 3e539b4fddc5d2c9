package conformance_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// testBusyServer: if another client's script runs for a while, but not so long that the server refuses calls, the calls are
// answered after it.
func testBusyServer(t *testing.T, own ownServer) {
	own.do(t, "CONFIG", "SET", "lua-time-limit", "60000")
	eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) {
		all := askers(t, run, "answers-"+t.Name())
		left := map[string]int64{}
		for _, a := range all {
			left[a.name] = a.ask(t)
		}
		ended := busyFor(t, own)
		var asked sync.WaitGroup
		for _, a := range all {
			asked.Go(func() {
				if now, err := a.allow(soon(t), "k"); err != nil || now != left[a.name]-1 {
					t.Errorf("%s: %d left, %v, want %d", a.name, now, err, left[a.name]-1)
				}
			})
		}
		asked.Wait()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// busyFor starts a script that keeps the server busy for a while, and returns while the script runs.
func busyFor(t *testing.T, own ownServer) (ended <-chan error) {
	t.Helper()
	for turns := 10_000_000; ; turns *= 2 {
		ended := own.inBackground(t, "EVAL", `local sum = 0 for i = 1, tonumber(ARGV[1]) do sum = sum + i end`, "0", strconv.Itoa(turns))
		for len(ended) == 0 {
			if !answersWithin(t, own.addr, 20*time.Millisecond) {
				return ended
			}
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}

// answersWithin reports whether the server answers a PING within d.
func answersWithin(t *testing.T, addr string, d time.Duration) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	conn, err := resptest.Connect(ctx, addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	_, err = conn.Do("PING")
	return err == nil
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
			if err := own.Pause(t.Context()); err != nil {
				t.Fatal(err)
			}
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
			if err := own.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			until(t, "the client is answered again", answers(impatient[0]))
			for _, a := range patient {
				if charged := left[a.name] - 1 - a.ask(t); charged < 0 || charged > 1 {
					t.Errorf("%s: one call was charged %d times", a.name, charged)
				}
			}
		})
	}
}

func newGoRedis(t *testing.T, options *redis.Options) *redis.Client {
	t.Helper()
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
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

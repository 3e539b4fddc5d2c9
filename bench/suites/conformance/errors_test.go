package conformance_test

import (
	"context"
	"errors"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// inScript is the text that Redis before 7.0 puts before the error of a command in a script.
var inScript = regexp.MustCompile(`^(?:(?:ERR )?Error running script \(call to f_\w+\): @user_script:\d+: )?(?:@user_script: \d+: )?-?`)

// serverError reports whether err wraps the server's own answer, in either client's type, and the answer begins with code.
func serverError(err error, code string) bool {
	var fromRueidis *rueidis.RedisError
	var fromGoRedis redis.Error
	switch {
	case errors.As(err, &fromRueidis):
		err = fromRueidis
	case errors.As(err, &fromGoRedis):
		err = fromGoRedis
	default:
		return false
	}
	answer := err.Error()
	return strings.HasPrefix(answer, code) || strings.HasPrefix(inScript.ReplaceAllString(answer, ""), code)
}

// TestWrongType: if a key holds a value of another type, both clients return the server's error WRONGTYPE, and the key is
// not changed.
func TestWrongType(t *testing.T) {
	eachRealServer(t, func(t *testing.T, addr string) {
		eachClient(t, addr, func(t *testing.T, run scripts.Runner) {
			conn, prefix := fresh(t, addr)
			for _, a := range all {
				l, err := a.Over(run)(oneInMidWindow(), algorithms.WithPrefix(prefix))
				if err != nil {
					t.Fatal(err)
				}
				ask(t, l, a.name, 1)
				stored, err := conn.Dump(context.Background(), prefix+":{"+a.name+"}")
				if err != nil || len(stored) != 1 {
					t.Fatalf("%s: %d keys, %v", a.name, len(stored), err)
				}
				for key := range stored {
					for _, command := range [][]string{{"DEL", key}, {"SADD", key, "a member"}} {
						if _, err := conn.Do(command...); err != nil {
							t.Fatal(err)
						}
					}
					_, allow := l.Allow(context.Background(), a.name)
					_, peek := l.Peek(context.Background(), a.name)
					for call, err := range map[string]error{"Allow": allow, "Peek": peek} {
						if !serverError(err, "WRONGTYPE") {
							t.Errorf("%s, %s on a set: %v, want the client's error with WRONGTYPE inside", a.name, call, err)
						}
					}
					if kind, err := conn.Do("TYPE", key); err != nil || kind != "set" {
						t.Errorf("%s: the set has become a %v, %v", a.name, kind, err)
					}
				}
				if err := l.Reset(context.Background(), a.name); err != nil {
					t.Errorf("%s: Reset of a set: %v", a.name, err)
				}
				if r := ask(t, l, a.name, 1); !r.Allowed {
					t.Errorf("%s: after Reset %+v", a.name, r)
				}
			}
		})
	})
}

// TestSilentServer: if a server accepts connections and never answers, a call ends with its context, and the error says so.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	for _, a := range all {
		l, err := a.Over(errtest.Must(goredisrunner.New(client)))(algorithms.PerHour(1))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		r, err := l.Allow(ctx, "k")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || r != (algorithms.Result{}) {
			t.Errorf("%s: %+v, %v, want context.DeadlineExceeded", a.name, r, err)
		}
	}
	// rueidis connects in NewClient, so NewClient fails.
	if client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{listener.Addr().String()}, DisableCache: true, ForceSingleClient: true,
		Dialer: net.Dialer{Timeout: 50 * time.Millisecond}, ConnWriteTimeout: 50 * time.Millisecond,
	}); err == nil {
		client.Close()
		t.Error("rueidis connected to a server that does not answer")
	}
}

// TestNoServer: if there is no server, the error wraps the network's error.
func TestNoServer(t *testing.T) {
	addr := resptest.Refusing(t)
	for _, a := range all {
		l, err := a.Over(errtest.Must(goredisrunner.New(goRedis(t, addr))))(algorithms.PerHour(1))
		if err != nil {
			t.Fatal(err)
		}
		var network *net.OpError
		if r, err := l.Allow(context.Background(), "k"); !errors.As(err, &network) || r != (algorithms.Result{}) {
			t.Errorf("%s: %+v, %v, want a net.OpError", a.name, r, err)
		}
	}
}

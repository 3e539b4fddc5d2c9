package conformance_test

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// testNotLetIn makes each server refuse the connection of a client. The caller soon gets the server's answer, or an error that the
// connection was closed. The same client works as soon as the server accepts it.
func testNotLetIn(t *testing.T, own ownServer) {
	for _, why := range []struct {
		name     string
		shut     []string
		open     []string
		password string
		is       func(err error) bool
	}{
		{
			"NOAUTH", []string{"ACL", "SETUSER", "default", "resetpass", ">secret"},
			[]string{"ACL", "SETUSER", "default", "nopass"}, "",
			func(err error) bool { return serverError(err, "NOAUTH ") },
		}, {
			"WRONGPASS", []string{"ACL", "SETUSER", "default", "resetpass", ">secret"},
			[]string{"ACL", "SETUSER", "default", ">guess"}, "guess",
			func(err error) bool { return serverError(err, "WRONGPASS ") },
		}, {
			// The server sends the reason and closes the connection. A client reports one or the other.
			"maxclients", []string{"CONFIG", "SET", "maxclients", "1"},
			[]string{"CONFIG", "SET", "maxclients", "100"}, "",
			func(err error) bool {
				return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
					serverError(err, "ERR max number of clients reached")
			},
		},
	} {
		t.Run(why.name, func(t *testing.T) {
			for name, connect := range connects {
				t.Run(name, func(t *testing.T) {
					own.do(t, "ACL", "SETUSER", "default", "nopass")
					l, err := gcra.New(own, answerLimit, algorithms.WithPrefix("answers-"+t.Name()))
					if err != nil {
						t.Fatal(err)
					}
					before := ask(t, l, "k", 1).Remaining
					own.do(t, why.shut...)
					l, err = gcra.New(connect(t, own.addr, why.password), answerLimit, algorithms.WithPrefix("answers-"+t.Name()))
					if err != nil {
						t.Fatal(err)
					}
					for range 2 {
						ctx := soon(t)
						r, err := l.Allow(ctx, "k")
						if !why.is(err) || r != (algorithms.Result{}) || ctx.Err() != nil {
							t.Errorf("%+v, %v, want %s", r, err, why.name)
						}
					}
					own.do(t, why.open...)
					if now := ask(t, l, "k", 1).Remaining; now != before-1 {
						t.Errorf("%d left before, and %d when asked next, want one less", before, now)
					}
				})
			}
		})
	}
}

// connects make a client, which may fail to connect at first.
var connects = map[string]func(t *testing.T, addr, password string) scripts.Runner{
	"goredis": func(t *testing.T, addr, password string) scripts.Runner {
		return errtest.Must(goredisrunner.New(newGoRedis(t, &redis.Options{Addr: addr, Password: password})))
	},
	"rueidis": func(t *testing.T, addr, password string) scripts.Runner {
		options := rueidisOptions(addr)
		options.Password = password
		client, err := rueidis.NewClient(options)
		if client == nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close) // with ForceSingleClient there is a client even if it could not connect
		return errtest.Must(rueidisrunner.New(client))
	},
}

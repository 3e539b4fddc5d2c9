package conformance_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// testLostReplies: the server runs the script, and then the reply, half of it, or the connection is lost. The caller gets an
// error, and the call is charged once.
func testLostReplies(t *testing.T, own ownServer) {
	p, err := proxy.Start(t.Context(), own.addr)
	if err != nil {
		t.Fatal(err)
	}
	troubles := []struct {
		name       string
		begin, end func() error // end is called when the script has run, unless it is nil
	}{
		{"cut", func() error { return p.CutReplies(2) }, nil}, // the shortest reply is ":1\r\n"
		{"silence", p.LoseReplies, p.Heal},
		{"reset", func() error { return p.Delay(time.Hour, 0) }, func() error { return errors.Join(p.Reset(), p.Heal()) }},
	}
	for name, run := range map[string]scripts.Runner{
		"goredis": errtest.Must(goredisrunner.New(newGoRedis(t, &redis.Options{Addr: p.Addr()}))),
		"rueidis": errtest.Must(rueidisrunner.New(onePipe(t, p.Addr()))),
	} {
		for _, trouble := range troubles {
			t.Run(trouble.name+"/"+name, func(t *testing.T) {
				must := func(err error) {
					if err != nil {
						t.Fatal(err)
					}
				}
				prefix := "answers-" + t.Name()
				for _, a := range askers(t, run, prefix) {
					until(t, "the client is connected", func() bool { _, err := a.allow(soon(t), "another"); return err == nil })
					left, before := a.ask(t), own.stored(t, prefix)
					must(trouble.begin())
					failed := make(chan error, 1)
					go func() {
						_, err := a.allow(soon(t), "k")
						failed <- err
					}()
					until(t, "the script has run", func() bool { return !maps.Equal(before, own.stored(t, prefix)) })
					if trouble.end != nil {
						must(trouble.end())
					}
					if err := <-failed; err == nil || isDeadline(err) {
						t.Errorf("%s: %v, want the connection's error", a.name, err)
					}
					must(p.Heal())
					until(t, "the client is connected again", func() bool { _, err := a.allow(soon(t), "another"); return err == nil })
					if now := a.ask(t); now != left-2 {
						t.Errorf("%s: of %d left before, %d are left after two calls, of which one lost its reply", a.name, left, now)
					}
				}
			})
		}
	}
}

// onePipe connects a client that uses only one connection, so that no call opens another.
func onePipe(t *testing.T, addr string) rueidis.Client {
	t.Helper()
	options := rueidisOptions(addr)
	options.PipelineMultiplex = -1
	return connectRueidis(t, options)
}

package allof_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	miniserver "github.com/alicebob/miniredis/v2/server"
	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// TestStoresAlike: an admitted request leaves the same keys, values and TTLs as if each limiter had been asked alone, under
// simulated time and by the server's clock. So limiters can be used alone and as one at the same time.
func TestStoresAlike(t *testing.T) {
	redis, conn := resptest.Miniredis(t)
	run, ctx := &placed{conn}, context.Background()
	over := func(a algorithmtest.Algorithm) limitertest.Factory { return a.Over(run) }
	for _, simulated := range []bool{true, false} {
		rapid.Check(t, func(rt *rapid.T) {
			all := shapes(rt)
			for i := range all {
				all[i].limit.Period *= 1000 // TTLs are in milliseconds
			}
			redis.FlushAll()
			clock := limitertest.NewClock(algorithmtest.Start)
			var opts []algorithms.Option
			if simulated {
				opts = append(opts, algorithms.WithClock(clock.Now))
			}
			prefixed := func(prefix string) []algorithms.Option {
				return append(slices.Clone(opts), algorithms.WithPrefix(prefix))
			}
			limiters := made(t, all, over, prefixed("alone")...)
			l := together(t, made(t, all, over, prefixed("whole")...))
			for range rapid.IntRange(1, 15).Draw(rt, "requests") {
				redis.SetTime(clock.Now())
				asked := requests(rt, limiters)
				d, err := l.AllowEach(ctx, asked...)
				for i, q := range asked {
					if one, oneErr := limiters[i].PeekN(ctx, q.Key, q.Cost); err != nil || oneErr != nil || one.Allowed != d.Each[i].Allowed {
						rt.Fatalf("%v: as one %+v, %v; alone %+v, %v", asked, d.Each[i], err, one, oneErr)
					}
					if d.Result.Allowed {
						if one, err := limiters[i].AllowN(ctx, q.Key, q.Cost); err != nil || one != d.Each[i] {
							rt.Fatalf("%v: as one %+v, alone %+v, %v", asked, d.Each[i], one, err)
						}
					}
				}
				if as, by := contents(t, conn, "whole"), contents(t, conn, "alone"); as != by {
					rt.Fatalf("%v, %v, simulated %v: as one\n%s\nalone\n%s", all, asked, simulated, as, by)
				}
				step := time.Duration(rapid.Int64Range(0, 20_000).Draw(rt, "step")) * time.Microsecond
				clock.Advance(step)
				redis.FastForward(step)
			}
		})
	}
}

// contents has the values and the TTLs of the keys with a prefix.
func contents(t testing.TB, conn *resptest.Conn, prefix string) string {
	t.Helper()
	stored, err := conn.Dump(context.Background(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for key, value := range stored {
		ttl, err := conn.Do("PTTL", key)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(key, prefix)] = fmt.Sprint(value, " for ", ttl)
	}
	return fmt.Sprint(all)
}

// TestWrongContent: if one key holds something else, no limiter is charged. That key gets a TTL if its type is the expected
// one, and is left as it is otherwise.
func TestWrongContent(t *testing.T) {
	for _, c := range []struct{ key, command, code string }{
		{"weir:{k}:gcra:10/1s", "SET", "WEIRSTATE"}, {"weir:{k}:fixedwindow:1m", "SET", "WEIRSTATE"}, {"weir:{k}:slidinglog:1m", "RPUSH", "WEIRSTATE"},
		{"weir:{k}:gcra:10/1s", "SADD", "WRONGTYPE"}, {"weir:{k}:fixedwindow:1m", "RPUSH", "WRONGTYPE"}, {"weir:{k}:slidinglog:1m", "SET", "WRONGTYPE"},
	} {
		redis, conn := resptest.Miniredis(t)
		run := &placed{conn}
		all := []algorithms.Limiter{
			must(gcra.New(run, algorithms.PerSecond(10))),
			must(fixedwindow.New(run, algorithms.PerMinute(5))),
			must(slidinglog.New(run, algorithms.PerMinute(5))),
		}
		for range 3 {
			all = append(all[1:], all[0]) // each is first, second and last
			l, err := allof.New(all...)
			if err != nil {
				t.Fatal(err)
			}
			redis.FlushAll()
			if _, err := conn.Do(c.command, c.key, "something else"); err != nil {
				t.Fatal(err)
			}
			for _, ask := range []func(context.Context, string) (algorithms.Result, error){l.Peek, l.Allow} {
				if r, err := ask(context.Background(), "k"); err == nil || !strings.Contains(err.Error(), c.code) {
					t.Errorf("%s of %s: %+v, %v", c.command, c.key, r, err)
				}
			}
			if keys := redis.Keys(); !slices.Equal(keys, []string{c.key}) {
				t.Errorf("%s of %s: then there are the keys %q", c.command, c.key, keys)
			}
			if ttl := redis.TTL(c.key); (ttl > 0) != (c.code == "WEIRSTATE") {
				t.Errorf("%s of %s: then it lives %v", c.command, c.key, ttl)
			}
		}
	}
}

// TestRefusedWrites: if the server refuses the first write, nothing is written. That holds for new keys and for keys in use.
func TestRefusedWrites(t *testing.T) {
	redis, conn := resptest.Miniredis(t)
	run, refuses := &placed{conn}, false
	redis.Server().SetPreHook(func(p *miniserver.Peer, command string, _ ...string) bool {
		refused := refuses && slices.Contains([]string{"SET", "INCRBY", "SETRANGE", "RPUSH", "LTRIM", "LSET", "UNLINK", "PEXPIRE"}, command)
		if refused {
			p.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
		}
		return refused
	})
	l, err := allof.New(
		must(gcra.New(run, algorithms.PerSecond(10))),
		must(fixedwindow.New(run, algorithms.PerMinute(50))),
		must(slidinglog.New(run, algorithms.PerMinute(50))),
	)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		refuses = true
		before := redis.Dump()
		if r, err := l.Allow(context.Background(), "k"); err == nil || !strings.Contains(err.Error(), "OOM") || redis.Dump() != before {
			t.Errorf("%+v, %v; before:\n%s\nafter:\n%s", r, err, before, redis.Dump())
		}
		refuses = false
		if r, err := l.Allow(context.Background(), "k"); err != nil || !r.Allowed || redis.Dump() == before {
			t.Errorf("then %+v, %v", r, err)
		}
	}
}

// TestReplyForm: if each limiter's reply is one integer, the whole reply consists of these integers only.
func TestReplyForm(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	reply, err := conn.Run(context.Background(), scripts.AllOf, []string{"a", "b"}, []string{"gf", "100000", "1000000", "1", "5", "1000000"})
	if want := []int64{100_000, 6_000_001}; err != nil || !slices.Equal(reply, want) {
		t.Errorf("%v, %v, want %v", reply, err, want)
	}
}

package scripts_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// TestManyRefused: if the server refuses to write one key, the requests for that key fail, and those for other
// keys are answered and stored.
func TestManyRefused(t *testing.T) {
	for _, c := range []struct {
		script *scripts.Script
		args   []string
		reply  [2]int64 // to the first and the second request for a key
		life   int64    // ms of the state
	}{
		{scripts.GCRA, []string{"1000001", "5000000", at(0)}, [2]int64{1_000_001, 2_000_002}, 2001},
		{scripts.Queue, []string{"1000001", "5000000", "", at(0)}, [2]int64{0, 1_000_001}, 2001},
		{scripts.FixedWindow, []string{"1", "9", "60000001", at(0)}, [2]int64{600_000_011, 600_000_012}, 60_001},
	} {
		redis, conn := resptest.Miniredis(t)
		redis.Server().SetPreHook(func(p *server.Peer, command string, args ...string) bool {
			refused := command == "SET" && args[0] == "full"
			if refused {
				p.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
			}
			return refused
		})
		args := append([]string{"3", "2", "1", strconv.Itoa(len(c.args))}, c.args...)
		reply, err := conn.Run(context.Background(), c.script.Many(), []string{"a", "full", "b"}, args)
		want := []int64{-1}
		for _, key := range []string{"a", "full", "b"} {
			for _, one := range c.reply {
				if key == "full" {
					want = append(want, -1)
				} else {
					want = append(want, 1, one)
				}
			}
		}
		if err != nil || !slices.Equal(reply, want) {
			t.Errorf("%s: %v, %v, want %v", c.script.Name(), reply, err, want)
		}
		for key, kept := range map[string]bool{"a": true, "full": false, "b": true} {
			if redis.Exists(key) != kept {
				t.Errorf("%s: that the key %q is there is %v", c.script.Name(), key, !kept)
			}
			if life := redis.TTL(key).Milliseconds(); kept && life != c.life+hour {
				t.Errorf("%s: the key %q lives %d ms, want %d", c.script.Name(), key, life, c.life+hour)
			}
		}
	}
}

// TestLogWithoutTTL: if the server refuses to give a log a TTL, no log without one is left behind.
func TestLogWithoutTTL(t *testing.T) {
	redis, conn := resptest.Miniredis(t)
	redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if command == "PEXPIRE" {
			p.WriteError("NOPERM this user has no permissions to run the 'pexpire' command")
		}
		return command == "PEXPIRE"
	})
	reply, err := conn.Run(context.Background(), scripts.SlidingLog, []string{"k"}, []string{"1", "5", "1000000", at(0)})
	if err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Errorf("%v, %v, want the server's error", reply, err)
	}
	if redis.Exists("k") {
		t.Error("the log is there")
	}
}

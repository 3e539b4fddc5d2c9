package scripts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// leaseCall is one call of a script on leases, with its reply. stored has the leases that are stored afterwards, each with
// its end in µs since now. life is the key's TTL in ms without the grace. If it is 0 the TTL doesn't change, and below 0 the
// key is gone.
type leaseCall struct {
	at     time.Duration
	script *scripts.Script
	args   string
	reply  []int64
	stored string
	life   int64
}

// TestInflightStored tests the stored leases and the key's TTL, on a simulated clock and on the server's.
func TestInflightStored(t *testing.T) {
	const minute = 60_000_000
	for _, simulated := range []bool{true, false} {
		redis, conn := resptest.Miniredis(t)
		ttl := int64(-2)
		for i, c := range []leaseCall{
			{0, scripts.InflightPeek, "2", []int64{0, 0, 0}, "", 0},
			{0, scripts.InflightRenew, "a 1000001", []int64{0}, "", 0},
			{0, scripts.InflightAcquire, "a 2 1000001", []int64{1, 0, 1_000_001}, "a 1000001", 1001},
			{1, scripts.InflightAcquire, "b 2 2000000", []int64{2, 0, 2_000_000}, "a 1000001, b 2000001", 2000},
			{2, scripts.InflightAcquire, "c 2 5000000", []int64{-3, 999_999, 1_999_999}, "a 1000001, b 2000001", 0},
			{2, scripts.InflightAcquire, "c 1 5000000", []int64{-3, 1_999_999, 1_999_999}, "a 1000001, b 2000001", 0},
			{2, scripts.InflightPeek, "2", []int64{-3, 999_999, 1_999_999}, "a 1000001, b 2000001", 0},
			{3, scripts.InflightAcquire, "b 2 1000", []int64{2, 0, 1_999_998}, "a 1000001, b 2000001", 2000},
			{4, scripts.InflightRenew, "b 1000", []int64{1_999_997}, "a 1000001, b 2000001", 2000},
			{5, scripts.InflightRenew, "a 1000000", []int64{1_000_000}, "a 1000005, b 2000001", 2000},
			{1_000_004, scripts.InflightPeek, "2", []int64{-3, 1, 999_997}, "a 1000005, b 2000001", 0},
			{1_000_005, scripts.InflightPeek, "2", []int64{1, 0, 999_996}, "a 1000005, b 2000001", 0},
			{1_000_005, scripts.InflightRenew, "a 1000000", []int64{0}, "a 1000005, b 2000001", 0},
			{1_000_005, scripts.InflightAcquire, "c 2 1000", []int64{2, 0, 999_996}, "c 1001005, b 2000001", 1000},
			{1_000_006, scripts.InflightAcquire, "a 2 1000", []int64{-3, 999, 999_995}, "c 1001005, b 2000001", 0},
			{1_000_006, scripts.InflightRelease, "b", []int64{1}, "c 1001005", 0},
			{1_000_006, scripts.InflightRelease, "b", []int64{0}, "c 1001005", 0},
			{1_000_006, scripts.InflightPeek, "2", []int64{1, 0, 999}, "c 1001005", 0},
			{-4000 * 1_000_000, scripts.InflightPeek, "1", []int64{-2, 3600_000_000, 3600_000_000}, "c 1001005", 0},
			{-4000 * 1_000_000, scripts.InflightAcquire, "d 1 1000", []int64{-2, 3600_000_000, 3600_000_000}, "c -400000000", 3600_000},
			{-4000 * 1_000_000, scripts.InflightAcquire, "d 1 1000", []int64{-2, 3600_000_000, 3600_000_000}, "c -400000000", 0},
			{-4000*1_000_000 - 1, scripts.InflightRenew, "c 1000", []int64{1000}, "c -3999999001", 1},
			{-4000*1_000_000 + 998, scripts.InflightAcquire, "c 1 1000", []int64{1, 0, 1000}, "c -3999998002", 1},
			{-4000*1_000_000 + 999, scripts.InflightAcquire, "c 1 60000000", []int64{1, 0, minute}, "c -3939999001", 60_000},
			{-4000*1_000_000 + 999, scripts.InflightRelease, "c", []int64{1}, "", -2},
			{0, scripts.InflightAcquire, "e 1 3600000000", []int64{1, 0, 3600_000_000}, "e 3600000000", 3600_000},
			{0, scripts.InflightAcquire, "e 1 1000", []int64{1, 0, 3600_000_000}, "e 3600000000", 3600_000},
			{0, scripts.InflightRenew, "e 1000", []int64{3600_000_000}, "e 3600000000", 3600_000},
			{3600 * 1_000_000, scripts.InflightAcquire, "e 1 1000", []int64{1, 0, 1000}, "e 3600001000", 1},
			{3600 * 1_000_000, scripts.InflightAcquire, "f 2 2000", []int64{2, 0, 2000}, "e 3600001000, f 3600002000", 2},
			{3600*1_000_000 + 1000, scripts.InflightAcquire, "e 1 1000", []int64{-2, 1000, 1000}, "e 3600001000, f 3600002000", 0},
		} {
			args, grace := strings.Split(c.args, " "), int64(grace)
			redis.SetTime(time.UnixMicro(now + int64(c.at)))
			if simulated && c.script != scripts.InflightRelease {
				redis.SetTime(time.UnixMicro(now / 2))
				args, grace = append(args, fmt.Sprint(now+int64(c.at))), hour
			}
			reply, err := conn.Run(context.Background(), c.script, []string{"k"}, args)
			if err != nil || !slices.Equal(reply, c.reply) {
				t.Errorf("call %d: %v, %v, want %v", i+1, reply, err, c.reply)
			}
			if got := leasesOf(t, conn); got != c.stored {
				t.Errorf("call %d: stored is %q, want %q", i+1, got, c.stored)
			}
			switch {
			case c.life > 0:
				ttl = c.life + grace
			case c.life < 0 || c.stored == "":
				ttl = -2
			}
			if got, err := conn.Do("PTTL", "k"); err != nil || got != ttl {
				t.Errorf("call %d: the key lives %v ms, %v, want %d", i+1, got, err, ttl)
			}
			if ttl > 0 { // a TTL that no call sets shows whether the next call changes it
				ttl = 99_999_999 + int64(i)
				if _, err := conn.Do("PEXPIRE", "k", fmt.Sprint(ttl)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// leasesOf returns the leases that are stored, with their ends in µs since now.
func leasesOf(t *testing.T, conn *resptest.Conn) string {
	t.Helper()
	reply, err := conn.Do("ZRANGE", "k", "0", "-1", "WITHSCORES")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for pair := range slices.Chunk(reply.([]any), 2) {
		var end float64
		if _, err := fmt.Sscan(pair[1].(string), &end); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(pair[0], " ", int64(end)-now))
	}
	return strings.Join(all, ", ")
}

// TestInflightRemoves: no call removes more than 64 leases that have ended.
func TestInflightRemoves(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	acquire := func(id string, after int64) []int64 {
		t.Helper()
		reply, err := conn.Run(context.Background(), scripts.InflightAcquire, []string{"k"}, []string{id, "1000", "1000", at(after)})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	for i := range int64(130) {
		acquire(fmt.Sprint("id ", i), 0)
	}
	for i, want := range []int64{130 - 64 + 1, 130 - 2*64 + 2, 3} {
		reply := acquire(fmt.Sprint("later ", i), 1000)
		if n, err := conn.Do("ZCARD", "k"); err != nil || n != want || reply[0] != int64(i)+1 {
			t.Errorf("call %d: %v leases are stored, %v, want %d; reply %v", i+1, n, err, want, reply)
		}
	}
}

// TestInflightClamps: no call shortens more than 64 leases that end too late. Those that end first come first.
func TestInflightClamps(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for i := range 100 {
		if _, err := conn.Do("ZADD", "k", fmt.Sprint(now+3_600_000_001+int64(i)), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Do("ZADD", "k", fmt.Sprint(now+3_600_000_000), "in time"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{65, 101, 101} {
		reply, err := conn.Run(context.Background(), scripts.InflightAcquire, []string{"k"}, []string{"one more", "1", "1000", at(0)})
		if err != nil || !slices.Equal(reply, []int64{-102, 3_600_000_000, 3_600_000_000}) {
			t.Errorf("call %d: %v, %v", i+1, reply, err)
		}
		if n, err := conn.Do("ZCOUNT", "k", "-inf", fmt.Sprint(now+3_600_000_000)); err != nil || n != want {
			t.Errorf("call %d: %v leases end in time, %v, want %d", i+1, n, err, want)
		}
		if ttl, err := conn.Do("PTTL", "k"); err != nil || ttl != int64(3_600_000+hour) {
			t.Errorf("call %d: the key lives %v ms, %v", i+1, ttl, err)
		}
	}
}

// TestInflightForeign: a key of another type gives the server's error. The members of any sorted set count as leases:
// each is held until its score, for an hour at most.
func TestInflightForeign(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	calls := map[*scripts.Script][]string{
		scripts.InflightAcquire: {"a", "1", "1000"}, scripts.InflightRenew: {"a", "1000"}, scripts.InflightRelease: {"a"}, scripts.InflightPeek: {"1"},
	}
	for _, make := range [][]string{{"SET", "k", "5"}, {"RPUSH", "k", "a"}, {"SADD", "k", "a"}, {"HSET", "k", "a", "1"}} {
		for script, args := range calls {
			for _, command := range [][]string{{"DEL", "k"}, make} {
				if _, err := conn.Do(command...); err != nil {
					t.Fatal(err)
				}
			}
			if reply, err := conn.Run(context.Background(), script, []string{"k"}, args); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
				t.Errorf("%s on %q: %v, %v", script.Name(), make, reply, err)
			}
		}
	}
	for score, want := range map[string][]int64{ // the reply to a call with another id
		"inf": {-2, 3_600_000_000, 3_600_000_000}, "1e300": {-2, 3_600_000_000, 3_600_000_000},
		at(500) + ".25": {-2, 501, 501}, at(0) + ".25": {-2, 1, 1},
		"-inf": {1, 0, 1000}, "-1e300": {1, 0, 1000}, "0": {1, 0, 1000}, "0.5": {1, 0, 1000}, at(0): {1, 0, 1000},
	} {
		for _, command := range [][]string{{"DEL", "k"}, {"ZADD", "k", score, "foreign"}} {
			if _, err := conn.Do(command...); err != nil {
				t.Fatal(err)
			}
		}
		held := want[0] < 0
		for _, call := range []struct {
			script *scripts.Script
			args   []string
			want   []int64
		}{
			{scripts.InflightAcquire, []string{"a", "1", "1000", at(0)}, want},
			{scripts.InflightPeek, []string{"1", at(0)}, []int64{-2, max(want[1], want[2]), want[2]}},
		} {
			if reply, err := conn.Run(context.Background(), call.script, []string{"k"}, call.args); err != nil || !slices.Equal(reply, call.want) {
				t.Errorf("a score of %s, %s: %v, %v, want %v", score, call.script.Name(), reply, err, call.want)
			}
		}
		reply, err := conn.Run(context.Background(), scripts.InflightRenew, []string{"k"}, []string{"foreign", "100", at(0)})
		if err != nil || held != (reply[0] > 0) || reply[0] > 3_600_000_000 || want[1] == 501 && reply[0] != 501 {
			t.Errorf("a score of %s: renewed for %v, %v, want it held: %v", score, reply, err, held)
		}
		if held {
			kept := []int64{1, 0, max(want[1], 100)}
			if reply, err := conn.Run(context.Background(), scripts.InflightAcquire, []string{"k"}, []string{"foreign", "9", "100", at(0)}); err != nil || !slices.Equal(reply, kept) {
				t.Errorf("a score of %s, acquired by its own id: %v, %v, want %v", score, reply, err, kept)
			}
		}
		if ttl, err := conn.Do("PTTL", "k"); err != nil || ttl.(int64) < hour {
			t.Errorf("a score of %s: the key lives %v ms, %v", score, ttl, err)
		}
	}
}

// TestInflightWithoutTTL: no lease is taken if the server refuses to give its key a TTL. A lease that is held stays.
func TestInflightWithoutTTL(t *testing.T) {
	redis, conn := resptest.Miniredis(t)
	refuse := false
	redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if refuse && command == "PEXPIRE" {
			p.WriteError("NOPERM this user has no permissions to run the 'pexpire' command")
		}
		return refuse && command == "PEXPIRE"
	})
	acquire := func(id string) error {
		_, err := conn.Run(context.Background(), scripts.InflightAcquire, []string{"k"}, []string{id, "5", "1000000", at(0)})
		return err
	}
	refused := func(err error) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
			t.Errorf("%v, want the server's error", err)
		}
	}
	refuse = true
	refused(acquire("a"))
	if redis.Exists("k") {
		t.Error("a key without a TTL is there")
	}
	refuse = false
	if err := acquire("b"); err != nil {
		t.Fatal(err)
	}
	refuse = true
	refused(acquire("c"))
	refused(acquire("b"))
	if got := leasesOf(t, conn); got != "b 1000000" {
		t.Errorf("the leases %q are held, want that of b", got)
	}
}

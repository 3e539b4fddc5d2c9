package scripts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// foreign has the commands that give a key contents which no script writes.
func foreign() (commands [][]string) {
	for _, text := range []string{
		strings.Repeat("9", 17), strings.Repeat("9", 400), "5 " + strings.Repeat("9", 400), strings.Repeat("9", 400) + " 5", "5+" + strings.Repeat("9", 400),
		"", " ", "something else", "nan", "inf", "-inf", "0x10", "-5", " 7 ", "7 ", "+7", "7.5", "1e3", "7+", "+", "7+x", "7+-1", "7+9/9", "7+7", "7+6+",
		"7+1000000", "7@", "@7", "7+@8", "7@8+1", "7@-8", "7@x", "7+9@8", "7@8@9", strings.Repeat("9", 17) + "@5", "5@" + strings.Repeat("9", 17), "5+" + strings.Repeat("9", 17) + "@6",
		"7 8+", "7 8+9", "7 8+x", "7 8 9", "7  8", "x 8", "7 x", "-7 8", "0x1 8", "\x00", "7\x00", "7\n", "٣",
	} {
		commands = append(commands, []string{"SET", "k", text})
	}
	base, entry := bigEndian(now, 7)+bigEndian(0, 6), bigEndian(now, 6)+bigEndian(1, 3)
	for _, list := range [][]string{
		{"x"}, {base}, {"something", "else"}, {"13 bytes long", "short"}, {"short", entry}, {base, ""}, {base, entry[:8]}, {base, entry + "x"},
		{base, entry + "xx"}, {base, entry + "xxxx"}, {base + "x", entry}, {base[:12], entry},
	} {
		commands = append(commands, append([]string{"RPUSH", "k"}, list...))
	}
	return append(commands, []string{"SADD", "k", "x"}, []string{"HSET", "k", "x", "y"}, []string{"ZADD", "k", "1", "x"})
}

// deciding has the scripts that decide, peek or settle, with the arguments of a request without now_us. ttl is how many
// milliseconds a key with other contents then lives.
var deciding = []struct {
	script *scripts.Script
	args   []string
	ttl    int64
}{
	{scripts.GCRA, []string{"1000", "5001"}, 6},
	{scripts.GCRA, []string{"142857", "1000000", "", "1", "0", "7"}, 1000},
	{scripts.GCRAPeek, []string{"1000", "5000"}, -1},
	{scripts.GCRAMost, []string{"1", "5001", "", "1000", "0", "1", "0"}, 6},
	{scripts.GCRAMost, []string{"1", "1000000", "", "142857", "0", "7", "1"}, 1000},
	{scripts.GCRAReserve, []string{"1000", "5001", "", "0", "0", "1"}, 6},
	{scripts.GCRAReserve, []string{"142857", "1000000", "", "1", "0", "7"}, 1000},
	{scripts.GCRASettle, []string{"1000", "5001", "", "0", at(0), at(0), "0", "0", "0", "0", "0", "0", "0", "1"}, 6},
	{scripts.GCRASettle, []string{"1000", "1000000", "", "1", at(0), at(0), "0", "0", "0", "0", "0", "0", "0", "7"}, 1000},
	{scripts.Queue, []string{"1000", "5001"}, 6},
	{scripts.FixedWindow, []string{"1", "5", "60000001"}, 60_001},
	{scripts.FixedWindowPeek, []string{"1", "5", "60000000"}, -1},
	{scripts.FixedWindowMost, []string{"1", "5", "60000001", ""}, 60_001},
	{scripts.FixedWindowReserve, []string{"1", "5", "60000001", ""}, 60_001},
	{scripts.FixedWindowSettle, []string{"0", "5", "60000001", "", at(1)}, 60_001},
	{scripts.SlidingLogMost, []string{"1", "5", "60000001", ""}, 60_001},
	{scripts.SlidingLogReserve, []string{"1", "5", "60000001", ""}, 60_001},
	{scripts.SlidingLogSettle, []string{"0", "5", "60000001", "", at(0)}, 60_001},
	{scripts.SlidingLog, []string{"1", "5", "60000001"}, 60_001},
	{scripts.SlidingLogPeek, []string{"1", "5", "60000000"}, -1},
}

// TestForeignState: a key with other contents gives an error that says so. It isn't changed. If its type is right and it has
// no TTL, it gets one, so that no client is locked out forever. If it has a TTL, that stays.
func TestForeignState(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	run := func(s *scripts.Script, args []string) error {
		keys := []string{"k", "beside"}[:1]
		if !strings.HasSuffix(s.Name(), "_many") {
			keys = keys[:keysOf(s)]
		}
		reply, err := conn.Run(context.Background(), s, keys, args)
		if err == nil && strings.HasSuffix(s.Name(), "_many") {
			if fmt.Sprint(reply) != "[-1 -1]" {
				t.Errorf("%s on a key of something else: reply %v, want -1 and -1", s.Name(), reply)
			}
			return nil
		}
		if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") && !strings.HasPrefix(err.Error(), "WEIRSTATE ") {
			return fmt.Errorf("reply %v, error %w, want WRONGTYPE or WEIRSTATE", reply, err)
		}
		return nil
	}
	for _, d := range deciding {
		calls := []struct {
			script *scripts.Script
			args   []string
		}{{d.script, d.args}}
		if many := d.script.Many(); many != nil {
			calls = append(calls, calls[0])
			calls[1].script, calls[1].args = many, append([]string{"1", "1", "1", fmt.Sprint(len(d.args))}, d.args...)
		}
		for _, call := range calls {
			for _, make := range foreign() {
				for _, ttl := range []int64{-1, 7_000_000} {
					for _, command := range [][]string{{"DEL", "k"}, make} {
						if _, err := conn.Do(command...); err != nil {
							t.Fatal(err)
						}
					}
					if ttl > 0 {
						if _, err := conn.Do("PEXPIRE", "k", fmt.Sprint(ttl)); err != nil {
							t.Fatal(err)
						}
					}
					before := dumpOf(t, conn)
					if err := run(call.script, call.args); err != nil {
						t.Errorf("%s %q on the key of %q: %v", call.script.Name(), call.args, make, err)
					}
					if after := dumpOf(t, conn); after != before {
						t.Errorf("%s on the key of %q changed it from %s to %s", call.script.Name(), make, before, after)
					}
					want := ttl
					if kind := make[0]; ttl < 0 && d.ttl > 0 && (kind == "SET" && !ofALog(d.script) || kind == "RPUSH" && ofALog(d.script)) {
						want = d.ttl // for a key of another type, the server returns an error before the script can set a TTL
					}
					if got, err := conn.Do("PTTL", "k"); err != nil || got != want {
						t.Errorf("%s on the key of %q with a TTL of %d: then %v, %v, want %d", call.script.Name(), make, ttl, got, err, want)
					}
				}
			}
		}
	}
}

// ofALog reports whether the script's state is a list.
func ofALog(s *scripts.Script) bool { return strings.HasPrefix(s.Name(), "slidinglog") }

// dumpOf returns the key's type and value.
func dumpOf(t *testing.T, conn *resptest.Conn) string {
	t.Helper()
	kind, err := conn.Do("TYPE", "k")
	if err != nil {
		t.Fatal(err)
	}
	if kind != "string" && kind != "list" {
		return fmt.Sprint(kind)
	}
	return fmt.Sprint(kind, " ", stored(t, conn))
}

// TestFarAhead: a time with the most digits that a time can have is corrected to what the limit can reach.
func TestFarAhead(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for _, c := range []struct {
		script *scripts.Script
		args   []string
		stored string
	}{
		{scripts.GCRA, []string{"1000", "5000"}, "9999999999999999"},
		{scripts.GCRA, []string{"1000", "5000"}, "9999999999999999@7"},
		{scripts.Queue, []string{"1000", "5000"}, "9999999999999999"},
		{scripts.FixedWindow, []string{"1", "5", "5000"}, "9999999999999999 9999999999999999"},
	} {
		if _, err := conn.Do("SET", "k", c.stored); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Run(context.Background(), c.script, []string{"k"}, c.args); err != nil {
			t.Errorf("%s: %v", c.script.Name(), err)
		}
		if ttl, err := conn.Do("PTTL", "k"); err != nil || ttl.(int64) < 0 || ttl.(int64) > 106 {
			t.Errorf("%s: the key lives %v ms, %v, want at most 106", c.script.Name(), ttl, err)
		}
	}
}

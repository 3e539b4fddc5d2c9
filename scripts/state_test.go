package scripts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

const (
	now   = 1_795_363_671_000_000
	hour  = 3_600_000 // how much longer than its state a key lives under simulated time, ms
	grace = 100       // the same on the server's own clock, ms
)

// call is one call of a script. at is the time since now. In args, @ stands for now_us; without an @, now_us follows the
// last argument. Then come the reply, what is stored after the call, and the TTL that the key gets, in ms without the grace.
// If life is 0, the TTL doesn't change.
type call struct {
	at     string
	args   string
	reply  []int64
	stored string
	life   int64
}

// at returns a time, in µs since now, in the form in which it is stored.
func at(us int64) string { return fmt.Sprint(now + us) }

var stories = []struct {
	name   string
	script *scripts.Script
	calls  []call
}{
	{"ten a second", scripts.GCRA, []call{
		{"0s", "100000 1000000 @", []int64{100_000}, at(100_000), 100},
		{"0s", "900000 1000000 @", []int64{1_000_000}, at(1_000_000), 0},
		{"0s", "100000 1000000 @", []int64{-1 - 1_000_000}, at(1_000_000), 0},
		{"99999us", "100000 1000000 @", []int64{-1 - 900_001}, at(1_000_000), 0},
		{"100ms", "100000 1000000 @", []int64{1_000_000}, at(1_100_000), 0},
		{"1099999us", "100000 1000000 @", []int64{100_001}, at(1_200_000), 0},
		{"1200001us", "100000 1000000 @", []int64{100_000}, at(1_300_001), 100},
	}},
	{"seven a second: parts carry and come out whole", scripts.GCRA, []call{
		{"0s", "142857 1000000 @ 1 0 7", []int64{142_857, 1}, at(142_857) + "+1", 143},
		{"0s", "714285 1000000 @ 5 0 7", []int64{857_142, 6}, at(857_142) + "+6", 858},
		{"0s", "285714 1000000 @ 2 0 7", []int64{-1 - 857_142, 6}, at(857_142) + "+6", 0},
		{"0s", "142857 1000000 @ 1 0 7", []int64{1_000_000, 0}, at(1_000_000), 1000},
		{"1s", "142857 1000000 @ 1 0 7", []int64{142_857, 1}, at(1_142_857) + "+1", 143},
		{"1142857us", "142857 1000000 @ 1 0 7", []int64{142_857, 2}, at(1_285_714) + "+2", 143},
		{"1285715us", "142857 1000000 @ 1 0 7", []int64{142_857, 1}, at(1_428_572) + "+1", 143},
	}},
	{"a burst with parts", scripts.GCRA, []call{
		{"0s", "142857 428571 @ 1 3 7", []int64{142_857, 1}, at(142_857) + "+1", 143},
		{"0s", "285714 428571 @ 2 3 7", []int64{428_571, 3}, at(428_571) + "+3", 429},
		{"0s", "142857 428571 @ 1 3 7", []int64{-1 - 428_571, 3}, at(428_571) + "+3", 0},
		{"142857us", "142857 428571 @ 1 3 7", []int64{-1 - 285_714, 3}, at(428_571) + "+3", 0},
		{"142858us", "142857 428571 @ 1 3 7", []int64{428_570, 4}, at(571_428) + "+4", 429},
	}},
	{"a burst too far ahead is brought back", scripts.GCRA, []call{
		{"0s", "100 200 @", []int64{100}, at(100), 1},
		{"-1h", "100 200 @", []int64{-1 - 200}, at(-3_600_000_000 + 200), 1},
		{"-1h", "100 200 @", []int64{-1 - 200}, at(-3_600_000_000 + 200), 0},
		{"-3599999900us", "100 200 @", []int64{200}, at(-3_600_000_000 + 300), 0},
	}},
	{"a burst with parts too far ahead is brought back", scripts.GCRA, []call{
		{"0s", "142857 428571 @ 1 3 7", []int64{142_857, 1}, at(142_857) + "+1", 143},
		{"-1h", "142857 428571 @ 1 3 7", []int64{-1 - 428_571, 3}, at(-3_600_000_000+428_571) + "+3", 429},
	}},
	{"parts of sixteen digits", scripts.GCRA, []call{
		{"0s", "1 5 @ 1000000000000000 0 2251799813685247", []int64{1, 1_000_000_000_000_000}, at(1) + "+1000000000000000", 1},
		{"0s", "1 5 @ 1000000000000000 0 2251799813685247", []int64{2, 2_000_000_000_000_000}, at(2) + "+2000000000000000", 1},
		{"0s", "1 5 @ 1000000000000000 0 2251799813685247", []int64{4, 748_200_186_314_753}, at(4) + "+748200186314753", 1},
	}},
	{"a burst that only its part is ahead of", scripts.GCRA, []call{
		{"0s", "142857 142857 @ 2 2 7", []int64{142_857, 2}, at(142_857) + "+2", 143},
		{"0s", "142857 142857 @ 1 1 7", []int64{-1 - 142_857, 1}, at(142_857) + "+1", 143},
	}},
	{"a queue of one a second, two waiting", scripts.Queue, []call{
		{"0s", "1000000 2000000  @", []int64{0}, at(1_000_000), 1000},
		{"0s", "1000000 2000000  @", []int64{1_000_000}, at(2_000_000), 0},
		{"0s", "1000000 2000000 2000000 @", []int64{-1 - 2_000_000}, at(2_000_000), 0},
		{"0s", "1000000 2000000 2000001 @", []int64{2_000_000}, at(3_000_000), 0},
		{"0s", "1000000 2000000  @", []int64{-1 - 3_000_000}, at(3_000_000), 0},
		{"999999us", "1000000 2000000  @", []int64{-1 - 2_000_001}, at(3_000_000), 0},
		{"1s", "1000000 2000000  @", []int64{2_000_000}, at(4_000_000), 0},
		{"-1h", "1000000 2000000  @", []int64{-1 - 3_000_000}, at(-3_597_000_000), 3000},
		{"1h", "1000000 2000000  @", []int64{0}, at(3_601_000_000), 1000},
	}},
	{"a queue of three a second, one waiting", scripts.Queue, []call{
		{"0s", "333333 333333  @ 1 1 3", []int64{0, 0}, at(333_333) + "+1", 334},
		{"0s", "333333 333333  @ 1 1 3", []int64{333_333, 1}, at(666_666) + "+2", 667},
		{"0s", "333333 333333  @ 1 1 3", []int64{-1 - 666_666, 2}, at(666_666) + "+2", 0},
		{"333333us", "333333 333333  @ 1 1 3", []int64{-1 - 333_333, 2}, at(666_666) + "+2", 0},
		{"333334us", "333333 333333  @ 1 1 3", []int64{333_332, 2}, at(1_000_000), 667},
		{"-1h", "333333 333333  @ 1 1 3", []int64{-1 - 666_666, 2}, at(-3_600_000_000+666_666) + "+2", 667},
		{"-1h", "333333 333333  @ 1 1 3", []int64{-1 - 666_666, 2}, at(-3_600_000_000+666_666) + "+2", 0},
		{"-3599666666us", "333333 333333 333333 @ 1 1 3", []int64{333_332, 2}, at(-3_599_000_000), 667},
	}},
	{"five a second in windows", scripts.FixedWindow, []call{
		{"0s", "4 5 1000000 @", packed(1_000_000, 5, 4), at(1_000_000) + " 4", 1000},
		{"0s", "2 5 1000000 @", denied(packed(1_000_000, 5, 4)), at(1_000_000) + " 4", 0},
		{"999999us", "1 5 1000000 @", packed(1, 5, 5), at(1_000_000) + " 5", 0},
		{"999999us", "1 5 1000000 @", denied(packed(1, 5, 5)), at(1_000_000) + " 5", 0},
		{"999999us", "1 3 1000000 @", denied(packed(1, 3, 3)), at(1_000_000) + " 5", 0},
		{"999999us", "7 12 1000000 @", packed(1, 12, 12), at(1_000_000) + " 12", 0},
		{"1s", "1 5 1000000 @", packed(1_000_000, 5, 1), at(2_000_000) + " 1", 1000},
		{"2s", "5 5 1000000 @", packed(1_000_000, 5, 5), at(3_000_000) + " 5", 1000},
		{"-1h", "1 5 1000000 @", denied(packed(1_000_000, 5, 5)), at(-3_599_000_000) + " 5", 1000},
		{"-3599000000us", "1 5 1000000 @", packed(1_000_000, 5, 1), at(-3_598_000_000) + " 1", 1000},
	}},
	{"five a second in aligned windows", scripts.FixedWindow, []call{
		{"1900ms", "5 5 1000000 @ 1", packed(100_000, 5, 5), at(2_000_000) + " 5", 100},
		{"1999999us", "1 5 1000000 @ 1", denied(packed(1, 5, 5)), at(2_000_000) + " 5", 0},
		{"2s", "5 5 1000000 @ 1", packed(1_000_000, 5, 5), at(3_000_000) + " 5", 1000},
		{"1500001us", "1 5 1000000 @ 1", denied(packed(499_999, 5, 5)), at(2_000_000) + " 5", 500},
	}},
	{"as much as can be packed, and one more", scripts.FixedWindow, []call{
		{"0s", "1 67108863 134217727 @", packed(134_217_727, 67_108_863, 1), at(134_217_727) + " 1", 134_218},
		{"0s", "1 67108864 134217727 @", []int64{2, 134_217_727}, at(134_217_727) + " 2", 0},
	}},
	{"more than can be packed", scripts.FixedWindow, []call{
		{"0s", "4 9007199253 999998 @", packed(999_998, 9_007_199_253, 4), at(999_998) + " 4", 1000},
		{"0s", "4 9007199253 1000000 @", []int64{8, 999_998}, at(999_998) + " 8", 0},
		{"0s", "9007199246 9007199253 1000000 @", []int64{-1 - 8, 999_998}, at(999_998) + " 8", 0},
	}},

	{"a log of three a second", scripts.SlidingLog, []call{
		{"0s", "1 3 1000000", []int64{1}, log(0, 0, entry(0, 1)), 1000},
		{"100ms", "2 3 1000000", []int64{3}, log(0, 0, entry(0, 1), entry(100_000, 3)), 0},
		{"100ms", "1 3 1000000", []int64{-1 - 3, 900_000, 1_000_000}, log(0, 0, entry(0, 1), entry(100_000, 3)), 0},
		{"100ms", "2 3 1000000", []int64{-1 - 3, 1_000_000, 1_000_000}, log(0, 0, entry(0, 1), entry(100_000, 3)), 0},
		{"999999us", "1 3 1000000", []int64{-1 - 3, 1, 100_001}, log(0, 0, entry(0, 1), entry(100_000, 3)), 0},
		{"1s", "1 3 1000000", []int64{3}, log(100_000, 1, entry(100_000, 3), entry(1_000_000, 4)), 0},
		{"1099999us", "1 3 1000000", []int64{-1 - 3, 1, 900_001}, log(100_000, 1, entry(100_000, 3), entry(1_000_000, 4)), 0},
		{"1100001us", "1 3 1000000", []int64{2}, log(1_000_000, 3, entry(1_000_000, 4), entry(1_100_001, 5)), 0},
		{"1000500us", "1 3 1000000", []int64{3}, log(1_000_000, 3, entry(1_000_000, 4), entry(1_000_500, 5, 6), entry(1_000_500, 6)), 0},
		{"-1h", "1 3 1000000", []int64{-1 - 3, 1_000_000, 1_000_000}, log(-3_600_000_000, 3, entry(-3_600_000_000, 6, 6)), 0},
		{"1h", "3 3 1000000", []int64{3}, log(3_600_000_000, 0, entry(3_600_000_000, 3)), 1000},
	}},
	{"a log whose clock goes back to one of its times", scripts.SlidingLog, []call{
		{"0s", "1 5 1000000", []int64{1}, log(0, 0, entry(0, 1)), 1000},
		{"100ms", "1 5 1000000", []int64{2}, log(0, 0, entry(0, 1), entry(100_000, 2)), 0},
		{"0s", "1 5 1000000", []int64{3}, log(0, 0, entry(0, 1), entry(0, 2, 6), entry(0, 3)), 0},
	}},
	{"a log whose counts have run over three bytes", scripts.SlidingLog, []call{
		{"0s", "33554432 1073741824 1000000", []int64{33_554_432}, log(0, 0, entry(0, 33_554_432, 6)), 1000},
		{"500ms", "5 1073741824 1000000", []int64{33_554_437}, log(0, 0, entry(0, 33_554_432, 6), entry(500_000, 33_554_437, 6)), 0},
		{"1s", "3 100 1000000", []int64{8}, log(500_000, 33_554_432, entry(500_000, 33_554_437, 6), entry(1_000_000, 33_554_440)), 0},
		{"1100ms", "93 100 1000000", []int64{-1 - 8, 400_000, 900_000}, log(500_000, 33_554_432, entry(500_000, 33_554_437, 6), entry(1_000_000, 33_554_440)), 0},
		{"1500ms", "93 100 1000000", []int64{96}, log(1_000_000, 33_554_437, entry(1_000_000, 33_554_440), entry(1_500_000, 33_554_533)), 0},
	}},
	{"a log of many, counts of six bytes", scripts.SlidingLog, []call{
		{"0s", "8388607 8388607 1500", []int64{8_388_607}, log(0, 0, entry(0, 8_388_607)), 2},
		{"0s", "1 8388608 1500", []int64{8_388_608}, log(0, 0, entry(0, 8_388_607), entry(0, 8_388_608, 6)), 0},
		{"1499us", "1 8388608 1500", []int64{-1 - 8_388_608, 1, 1}, log(0, 0, entry(0, 8_388_607), entry(0, 8_388_608, 6)), 0},
	}},
}

// packed returns the reply of a fixed window that admits a request. denied makes it the reply to a request that is denied.
func packed(left, rate, count int64) []int64 { return []int64{left*(rate+1) + count} }

func denied(reply []int64) []int64 { return []int64{-1 - reply[0]} }

// entry returns an entry of a log: its time since now, its count, and the bytes of the count, if these aren't 3.
func entry(us, count int64, width ...int) string {
	if len(width) == 0 {
		width = []int{3}
	}
	return bigEndian(now+us, 6) + bigEndian(count, width[0])
}

// log returns a log in the form in which it is compared: the base and the entries.
func log(us, gone int64, entries ...string) string {
	return fmt.Sprintf("%q", append([]string{bigEndian(now+us, 7) + bigEndian(gone, 6)}, entries...))
}

func bigEndian(n int64, width int) string {
	bytes := make([]byte, width)
	for i := range bytes {
		bytes[i] = byte(n >> (8 * (width - 1 - i)))
	}
	return string(bytes)
}

// TestStored makes each sequence of calls, first with given times and then on the server's own clock. The replies, what is
// stored and how long that lives must be as the contract of the script says.
func TestStored(t *testing.T) {
	for _, story := range stories {
		for _, clock := range []string{"simulated", "server's"} {
			t.Run(story.name+"/"+clock, func(t *testing.T) {
				server, conn := resptest.Miniredis(t)
				ttl := int64(-2)
				for i, c := range story.calls {
					since, err := time.ParseDuration(c.at)
					if err != nil {
						t.Fatal(err)
					}
					moment := time.UnixMicro(now).Add(since)
					last, more := fmt.Sprint(moment.UnixMicro()), int64(hour)
					if clock != "simulated" {
						server.SetTime(moment)
						last, more = "", grace
					}
					args := strings.Split(c.args, " ")
					if at := slices.Index(args, "@"); at >= 0 {
						args[at] = last
					} else {
						args = append(args, last)
					}
					reply, err := conn.Run(context.Background(), story.script, []string{"k"}, args)
					if err != nil || !slices.Equal(reply, c.reply) {
						t.Errorf("call %d: %v, %v, want %v", i+1, reply, err, c.reply)
					}
					if stored := stored(t, conn); stored != c.stored {
						t.Errorf("call %d: stores %s, want %s", i+1, stored, c.stored)
					}
					if c.life > 0 {
						ttl = c.life + more
					}
					if got, err := conn.Do("PTTL", "k"); err != nil || got != ttl {
						t.Errorf("call %d: lives %v ms, %v, want %d", i+1, got, err, ttl)
					}
					// A distinct TTL shows whether the next call writes the key at all.
					ttl = 99_999_999 + int64(i)
					if _, err := conn.Do("PEXPIRE", "k", fmt.Sprint(ttl)); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// stored returns the key's value: a string's text, or a list's elements.
func stored(t *testing.T, conn *resptest.Conn) string {
	t.Helper()
	if kind, err := conn.Do("TYPE", "k"); err != nil || kind != "list" {
		value, err := conn.Do("GET", "k")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(value)
	}
	value, err := conn.Do("LRANGE", "k", "0", "-1")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q", value)
}

// TestLivesInUse: the TTL of a key in use is renewed only when it would end before the key's state.
func TestLivesInUse(t *testing.T) {
	for _, c := range []struct {
		script      *scripts.Script
		args        string
		life, renew int64 // ms: how long the state lives after the second call, and the TTL that it gets
	}{
		{scripts.GCRA, "500000 3000000", 1000, 4000},
		{scripts.Queue, "500000 3000000", 1000, 4000},
		{scripts.SlidingLog, "1 5 3000000", 3000, 6000},
	} {
		for short, want := range map[int64]int64{grace/2 - 1: c.renew + grace + 1, grace / 2: c.life + grace/2, grace: c.life + grace} {
			server, conn := resptest.Miniredis(t)
			server.SetTime(time.UnixMicro(now))
			for i := range 2 {
				if i == 1 {
					if _, err := conn.Do("PEXPIRE", "k", fmt.Sprint(c.life+short)); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := conn.Run(context.Background(), c.script, []string{"k"}, strings.Split(c.args, " ")); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := conn.Do("PTTL", "k"); err != nil || got != want {
				t.Errorf("%s, %d ms more than its state lives: then it lives %v ms, %v, want %d", c.script.Name(), short, got, err, want)
			}
		}
	}
}

// TestPeekClock: a Peek without a time uses the server's clock.
func TestPeekClock(t *testing.T) {
	for _, c := range []struct {
		decide, peek *scripts.Script
		args         string
	}{
		{scripts.GCRA, scripts.GCRAPeek, "500000 1000000"},
		{scripts.FixedWindow, scripts.FixedWindowPeek, "2 3 3000000"},
		{scripts.SlidingLog, scripts.SlidingLogPeek, "2 3 3000000"},
	} {
		server, conn := resptest.Miniredis(t)
		ask := func(script *scripts.Script, times ...string) []int64 {
			reply, err := conn.Run(context.Background(), script, []string{"k"}, append(strings.Split(c.args, " "), times...))
			if err != nil {
				t.Fatal(err)
			}
			return reply
		}
		server.SetTime(time.UnixMicro(now + 123_457))
		ask(c.decide)
		server.SetTime(time.UnixMicro(now + 223_460))
		want := ask(c.peek, at(223_460))
		for _, times := range [][]string{nil, {""}} {
			if got := ask(c.peek, times...); !slices.Equal(got, want) {
				t.Errorf("%s without a time, %q: %v, with the server's: %v", c.peek.Name(), times, got, want)
			}
		}
	}
}

package variants_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/instructions/variants"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

func TestMain(m *testing.M) { servers.Main(m) }

// A load is a script's arguments with which it admits all requests, or denies all but the first few.
type load struct {
	script *scripts.Script
	name   string
	args   []string
}

var loads = []load{
	{scripts.GCRA, "allow", []string{"60", "60000000000000"}},
	{scripts.GCRA, "deny", []string{"60000000", "60000000"}},
	{scripts.FixedWindow, "allow", []string{"1", "1000000000", "3600000000"}},
	{scripts.FixedWindow, "deny", []string{"1", "1", "3600000000"}},
	{scripts.SlidingLog, "allow", []string{"1", "1000000", "3600000000"}},
	{scripts.SlidingLog, "deny", []string{"1", "1", "3600000000"}},
}

// floor is the variant that makes the same calls without any logic. bench/peers/floors has its text for each script and
// load.
var floor = &variants.Variant{Name: "floor"}

// textOf returns the text and the arguments of a variant under the load, or of the shipped script if v is nil.
func (l load) textOf(tb testing.TB, v *variants.Variant) (text string, args []string) {
	tb.Helper()
	switch v {
	case nil:
		return l.script.Source(), l.args
	case floor:
		name := l.script.Name()
		if l.name == "deny" {
			name += "_full"
		}
		text, err := os.ReadFile("../../peers/floors/" + name + ".lua")
		if err != nil {
			tb.Fatal(err)
		}
		return string(text), l.args
	}
	text, err := v.Source()
	if err != nil {
		tb.Fatal(err)
	}
	args = l.args
	if v.Args != nil {
		args = slices.Clone(v.Args)
		copy(args, l.args)
	}
	return text, args
}

// variantsOf returns nil, which stands for the shipped script, then floor, then the variants of the load's script.
func variantsOf(l load) (all []*variants.Variant) {
	all = append(all, nil, floor)
	for i, v := range variants.All {
		if v.Script == l.script {
			all = append(all, &variants.All[i])
		}
	}
	return all
}

func nameOf(l load, v *variants.Variant) string {
	switch v {
	case nil:
		return l.script.Name() + "/shipped"
	case floor:
		return l.script.Name() + "/floor"
	}
	return v.Name
}

// TestVariants: each variant makes the same decisions as the shipped script.
func TestVariants(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	for _, l := range loads {
		for _, v := range variantsOf(l) {
			if v == floor { // it decides nothing
				continue
			}
			text, args := l.textOf(t, v)
			for i := range 3 {
				reply, err := conn.Run(context.Background(), scripts.New("variant", text), []string{l.name + nameOf(l, v)}, args)
				if err != nil {
					t.Fatalf("%s: %v", nameOf(l, v), err)
				}
				allowed := reply[0] >= 0
				if len(reply) == 4 {
					allowed = reply[0] == 1
				}
				if want := l.name == "allow" || i == 0; allowed != want {
					t.Errorf("%s, %s: request %d: %v", nameOf(l, v), l.name, i, reply)
				}
			}
		}
	}
}

var evalUsec = regexp.MustCompile(`cmdstat_evalsha:calls=(\d+),usec=(\d+)`)

// BenchmarkVariants measures the server's own time in each script. It runs the variants in turn, round after round, and
// reports the shortest time of all rounds, which other programs on the machine disturb least.
func BenchmarkVariants(b *testing.B) {
	const rounds, calls, pipeline = 15, 2000, 100
	ctx := context.Background()
	for _, kind := range servers.All() {
		s, err := servers.Run(ctx, kind)
		if err != nil {
			b.Fatal(err)
		}
		client := redis.NewClient(&redis.Options{Addr: s.Addr})
		b.Cleanup(func() { _ = client.Close(); _ = s.Close() })
		for _, l := range loads {
			all := variantsOf(l)
			least := make([]float64, len(all))
			for range rounds {
				for i, v := range all {
					text, args := l.textOf(b, v)
					sha, err := client.ScriptLoad(ctx, text).Result()
					if err != nil {
						b.Fatal(err)
					}
					key := fmt.Sprintf("%s:%s", l.name, nameOf(l, v))
					if err := client.Del(ctx, key).Err(); err != nil {
						b.Fatal(err)
					}
					line := []any{}
					for _, arg := range args {
						line = append(line, arg)
					}
					if err := client.EvalSha(ctx, sha, []string{key}, line...).Err(); err != nil {
						b.Fatal(err)
					}
					if err := client.ConfigResetStat(ctx).Err(); err != nil {
						b.Fatal(err)
					}
					for range calls / pipeline {
						pipe := client.Pipeline()
						for range pipeline {
							pipe.EvalSha(ctx, sha, []string{key}, line...)
						}
						if _, err := pipe.Exec(ctx); err != nil {
							b.Fatal(err)
						}
					}
					if took := scriptTime(b, client); least[i] == 0 || took < least[i] {
						least[i] = took
					}
				}
			}
			for i, v := range all {
				b.Run(strings.Join([]string{kind.Name, nameOf(l, v), l.name}, "/"), func(b *testing.B) {
					b.ReportMetric(0, "ns/op") // nothing is timed here
					b.ReportMetric(least[i], "server-µs/op")
					b.ReportMetric(least[i]/least[0], "of-shipped")
				})
			}
		}
	}
}

// scriptTime returns how many microseconds a call of a script has taken on average since the statistics were reset.
func scriptTime(b *testing.B, client *redis.Client) float64 {
	b.Helper()
	info, err := client.Info(context.Background(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	found := evalUsec.FindStringSubmatch(info)
	if found == nil {
		b.Fatalf("no scripts in %q", info)
	}
	calls, _ := strconv.ParseFloat(found[1], 64)
	us, _ := strconv.ParseFloat(found[2], 64)
	return us / calls
}

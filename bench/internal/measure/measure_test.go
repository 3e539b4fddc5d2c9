package measure

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/shared/target"
)

func TestMain(m *testing.M) { servers.Main(m) }

// measure runs the command and returns what it printed.
func measure(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = command.Run(ctx, append([]string{"measure"}, args...), nil, &out, &err, Command())
	return code, out.String(), err.String()
}

// short are flags with which a load takes moments.
var short = []string{"-for", "30ms", "-rounds", "2"}

// succeed measures, and returns what was printed and the document that was written.
func succeed(t *testing.T, args ...string) (string, results.Run) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.json")
	code, stdout, stderr := measure(t.Context(), append(append(args, short...), "-json", path)...)
	if code != 0 || stderr != "" {
		t.Fatalf("measure %q: exit code %d, stderr %q", args, code, stderr)
	}
	run, err := results.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return stdout, run
}

// bystander puts something on a server that is nobody's but the user's, and returns what checks that it is all
// that is there, that it is as it was, and that nothing was flushed.
func bystander(t *testing.T, place target.Place) (check func()) {
	t.Helper()
	client := place.Admin()
	t.Cleanup(func() { _ = client.Close() })
	ctx := t.Context()
	const mine, value = "weir:{mine}:gcra", "1795363671000000"
	if err := client.Set(ctx, mine, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
	a := &admin{client: client}
	return func() {
		t.Helper()
		if got, err := client.Get(ctx, mine).Result(); got != value {
			t.Errorf("the user's own key is %q, %v", got, err)
		}
		err := a.scan(ctx, "*weir-bench-*", func(_ context.Context, _ *redis.Client, keys []string) error {
			t.Errorf("keys are left: %q", keys)
			return nil
		})
		used, usageErr := a.usage(ctx)
		if err != nil || usageErr != nil {
			t.Fatal(err, usageErr)
		}
		for name := range used.commands {
			if strings.HasPrefix(name, "flush") || name == "config|resetstat" {
				t.Errorf("the command %s was run on a server that is the user's", name)
			}
		}
	}
}

// TestMeasure measures on each server what it can, in small, and holds what is told to what must be so.
func TestMeasure(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			addr := servers.Start(t, kind).Addr
			check := bystander(t, target.Place{Network: "tcp", Addrs: []string{addr}})
			stdout, run := succeed(t, "-redis", "redis://"+addr, "-limiters", "weir-gcra,weir-slidinglog-rueidis,ulule,floor-gcra",
				"-goroutines", "1,4", "-processes", "2", "-denials", "0,50,100", "-keys", "zipf:100", "-parts", "speed,memory")
			check()
			if len(run.Cells) != 2*3 || len(run.Memory) != 3*len(logLengths) {
				t.Fatalf("%d loads and %d sizes were measured", len(run.Cells), len(run.Memory))
			}
			for _, cell := range run.Cells {
				if !strings.Contains(stdout, capital(name(cell))) {
					t.Errorf("%q is not printed", name(cell))
				}
				for _, r := range cell.Results {
					checkResult(t, cell, r)
				}
			}
			for _, m := range run.Memory {
				if m.Bytes < 16 || m.Keys != 1 { // as little as Valkey tells of a short string
					t.Errorf("%s: %d keys of %d bytes after %d requests", m.Limiter, m.Keys, m.Bytes, m.Events)
				}
			}
			if log := run.Memory[len(logLengths)+len(logLengths)-1]; log.Bytes < 9*10_000 {
				t.Errorf("a log of 10,000 takes %d bytes", log.Bytes)
			}
			if run.Server.Name == "" || !strings.HasPrefix(run.Server.How, "at ") || run.Server.Nodes != 1 {
				t.Errorf("the server is %+v", run.Server)
			}
		})
	}
}

func checkResult(t *testing.T, cell results.Cell, r results.Result) {
	t.Helper()
	complain := func(what string, value any) {
		t.Helper()
		t.Errorf("%s, %s: %s: %v", name(cell), r.Limiter, what, value)
	}
	if len(r.Rounds) != 2 || r.Calls == 0 || r.Calls != r.Admitted+r.Denied+r.Failed {
		complain("calls", r)
	}
	if r.Failed+r.WronglyAdmitted+r.WronglyDenied > 0 {
		complain("wrong", r)
	}
	// 30 or so requests at the least: half of them, give or take, were to be denied.
	if share := float64(r.Denied) / float64(r.Calls) * 100; cell.Denials != 50 && share != cell.Denials || share < cell.Denials-35 || share > cell.Denials+35 {
		complain("percent of denials", share)
	}
	for _, round := range r.Rounds {
		if round.Throughput <= 0 || round.P50 <= 0 || round.P99 < round.P50 || round.ServerCPU <= 0 || round.CommandCPU <= 0 {
			complain("round", round)
		}
	}
	// A client that finds a script unknown sends it again, in one of its calls.
	if r.Commands < 1 || r.Commands > 1.1 || r.ServerCommands < 2 || r.Sent < 100 || r.Received < 4 || r.Allocs < 1 {
		complain("costs", r)
	}
	last := 0.0
	for _, point := range r.Latency.Points {
		if point[1] < last {
			complain("latency", r.Latency)
		}
		last = point[1]
	}
}

// TestAccuracy judges limiters under load: Weir's admit what they promise, and a mere counter promises nothing.
func TestAccuracy(t *testing.T) {
	kind := servers.All()[0]
	addr := servers.Start(t, kind).Addr
	stdout, run := succeed(t, "-redis", "redis://"+addr, "-limiters", "weir-gcra,weir-slidinglog-rueidis,bare-incr", "-processes", "2", "-parts", "accuracy")
	if len(run.Accuracy) != 2 || !strings.Contains(stdout, "weir-slidinglog-rueidis") {
		t.Fatalf("judged were %+v", run.Accuracy)
	}
	for _, a := range run.Accuracy {
		if a.Failed > 0 || a.Admitted < a.Low || a.Admitted > a.High || a.Calls < a.High {
			t.Errorf("%+v", a)
		}
	}
}

func TestCluster(t *testing.T) {
	seeds := servers.StartCluster(t, servers.All()[0], 3, 0).Seeds()
	check := bystander(t, target.Place{Network: "tcp", Addrs: seeds, Cluster: true})
	_, run := succeed(t, "-redis", "redis://"+seeds[0]+",redis://"+seeds[1], "-limiters", "weir-gcra,weir-gcra-rueidis,weir-gcra-autopipeline,redis_rate",
		"-goroutines", "8", "-denials", "50", "-keys", "100", "-parts", "speed,memory")
	check()
	if run.Server.Shape != "cluster" || run.Server.Nodes != 3 {
		t.Errorf("the server is %+v", run.Server)
	}
	for _, r := range run.Cells[0].Results {
		checkResult(t, run.Cells[0], r)
	}
}

func TestSentinel(t *testing.T) {
	sentinel := servers.StartSentinel(t, servers.All()[0])
	var urls []string
	for _, addr := range sentinel.SentinelAddrs() {
		urls = append(urls, "redis://"+addr+"?master_name="+sentinel.MasterName)
	}
	check := bystander(t, target.Place{Network: "tcp", Addrs: sentinel.SentinelAddrs(), MasterName: sentinel.MasterName})
	_, run := succeed(t, "-redis", strings.Join(urls, ","), "-limiters", "weir-gcra,weir-gcra-rueidis", "-denials", "50", "-parts", "speed")
	check()
	if run.Server.Shape != "sentinel" {
		t.Errorf("the server is %+v", run.Server)
	}
}

// TestInterrupted stops it in the middle: what there is, is told and kept, and no key is.
func TestInterrupted(t *testing.T) {
	redis := miniredis.RunT(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var calls atomic.Int64
	redis.Server().SetPreHook(func(_ *miniserver.Peer, cmd string, _ ...string) bool {
		if strings.HasPrefix(cmd, "EVAL") && calls.Add(1) == 5_000 {
			interrupt()
		}
		return false
	})
	path := filepath.Join(t.TempDir(), "run.json")
	code, stdout, stderr := measure(ctx, "-redis", "redis://"+redis.Addr(), "-limiters", "weir-gcra,redis_rate", "-goroutines", "4",
		"-denials", "50", "-rounds", "10000", "-for", "20ms", "-json", path)
	if code != command.Interrupted || stderr != "bench: interrupted\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	run, err := results.Read(path)
	if err != nil || !run.Interrupted || len(run.Cells) != 1 || len(run.Cells[0].Results) != 2 {
		t.Errorf("what is kept is %+v, %v", run, err)
	}
	if !strings.Contains(stdout, "Interrupted: ") || !strings.Contains(stdout, "redis_rate") {
		t.Errorf("what is told is %q", stdout)
	}
	if keys := redis.Keys(); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

// TestFailures are servers on which nothing can be measured: one line, nothing printed or written.
func TestFailures(t *testing.T) {
	addr := servers.Start(t, servers.All()[0]).Addr
	admin := redis.NewClient(&redis.Options{Addr: addr})
	defer admin.Close()
	for user, rights := range map[string][]any{
		"unscripted": {"~*", "+@all", "-@scripting"},
		"blind":      {"~*", "+@all", "-scan"},
		"elsewhere":  {"~mine*", "+@all"},
	} {
		if err := admin.Do(t.Context(), append([]any{"acl", "setuser", user, "on", ">right"}, rights...)...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, url, want string }{
		{"nobody there", "redis://127.0.0.1:1", "can't reach the server at 127.0.0.1:1"},
		{"wrong password", "redis://blind:wrong@" + addr, "wants another user name or password"},
		{"no scripts", "redis://unscripted:right@" + addr, "want the rights ~*weir-bench-*"},
		{"no scan", "redis://blind:right@" + addr, "want the rights ~*weir-bench-*"},
		{"no keys", "redis://elsewhere:right@" + addr, "want the rights ~*weir-bench-*"},
		{"no URL", "redis://:wrong@some where", "want redis://"},
		{"no cluster", "redis://" + addr + ",redis://" + addr, "2 servers are named, but"},
		{"different users", "redis://" + addr + ",redis://a:b@" + addr, "want the same user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run.json")
			code, stdout, stderr := measure(t.Context(), "-redis", test.url, "-json", path)
			if code != command.Failed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "wrong@") {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %q in it", code, stdout, stderr, test.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
				t.Errorf("written was %v", left)
			}
		})
	}
	if keys := admin.Keys(t.Context(), "*").Val(); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

func TestMisuse(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"redis_rate"}, `what is "redis_rate"?`},
		{[]string{"-goroutines", "0"}, "want whole numbers from 1"},
		{[]string{"-goroutines", ","}, "at least one"},
		{[]string{"-denials", "101"}, "want percent from 0 to 100"},
		{[]string{"-denials", "NaN"}, "want percent from 0 to 100"},
		{[]string{"-keys", "cold"}, "want hot, a number of keys"},
		{[]string{"-keys", "zipf:0"}, "want hot, a number of keys"},
		{[]string{"-rate", "0"}, "want requests a second"},
		{[]string{"-limit", "5"}, "want RATE/PERIOD"},
		{[]string{"-rounds", "0"}, "want 1 to 10000"},
		{[]string{"-processes", "101"}, "want 1 to 100"},
		{[]string{"-for", "0s"}, "want 1ms to 1h"},
		{[]string{"-parts", "speed,heat"}, `"heat", want some of speed,accuracy,memory`},
		{[]string{"-redis", "redis://x", "-server", "redis:7.0"}, "want one of the two"},
	} {
		code, stdout, stderr := measure(t.Context(), test.args...)
		if code != command.Misused || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
			t.Errorf("measure %q: exit code %d, stdout %q, stderr %q, want %q in it", test.args, code, stdout, stderr, test.want)
		}
	}
}

// TestList names every limiter, without a server.
func TestList(t *testing.T) {
	code, stdout, stderr := measure(t.Context(), "-limiters", "list")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for name := range strings.SplitSeq(defaultLimiters+",increx,go-redisstore", ",") {
		if !strings.Contains(stdout, "\n"+name+" ") {
			t.Errorf("%s is not listed", name)
		}
	}
}

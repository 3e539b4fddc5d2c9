package measure

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/interrupttest"
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

// short are flags that make the measurement of a load take less than a second.
var short = []string{"-for", "30ms", "-rounds", "2"}

// patient is the end of a server's URL for a measurement that a busy machine doesn't make fail.
const patient = "?read_timeout=1m"

// succeed runs the command, and returns its output and the run that it wrote.
func succeed(t *testing.T, args ...string) (string, results.Run) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.txt")
	code, stdout, stderr := measure(t.Context(), append(append(args, short...), "-write", path)...)
	if code != 0 || stderr != "" {
		t.Fatalf("measure %q: exit code %d, stderr %q", args, code, stderr)
	}
	run, err := results.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return stdout, run
}

// bystander sets a key on a server. It returns a function that checks that the key is unchanged, that no keys of the
// measurement are left, and that no command has flushed data or reset statistics.
func bystander(t *testing.T, place target.Place) (check func()) {
	t.Helper()
	place.ReadTimeout = time.Minute
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
				t.Errorf("the command %s was run on the user's server", name)
			}
		}
	}
}

// TestMeasure runs a small measurement on each kind of server, and checks that the figures are plausible.
func TestMeasure(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			addr := servers.Start(t, kind).Addr
			check := bystander(t, target.Place{Network: "tcp", Addrs: []string{addr}})
			stdout, run := succeed(t, "-redis", "redis://"+addr+patient, "-limiters", "weir-gcra,weir-slidinglog-rueidis,ulule,floor-gcra", "-beside", "ulule",
				"-goroutines", "1,4", "-processes", "2", "-denials", "0,50,100", "-keys", "zipf:100")
			check()
			if loads := run.Loads(); len(loads) != 2*3 || len(run.Memory()) != 3*len(logLengths) {
				t.Fatalf("%d loads and %d sizes were measured", len(loads), len(run.Memory()))
			}
			for _, load := range run.Loads() {
				if !strings.Contains(stdout, load.String()) {
					t.Errorf("%q is not printed", load)
				}
				for _, s := range load.Series {
					checkSeries(t, load, s)
				}
			}
			for _, m := range run.Memory() {
				bytes := m.Value(results.KeyBytes)
				if bytes < 16 { // Valkey reports this for a short string
					t.Errorf("%s: %v bytes after %d requests", m.Limiter, bytes, m.Requests)
				}
				if m.Limiter == "weir-slidinglog-rueidis" && bytes < 9*float64(m.Requests) {
					t.Errorf("a log of %d takes %v bytes", m.Requests, bytes)
				}
			}
			if run.Server == "" || !strings.HasPrefix(run.How, "at ") || run.Nodes != 1 || run.Beside != "ulule" {
				t.Errorf("the server is %s %s, %d nodes, beside %s", run.Server, run.How, run.Nodes, run.Beside)
			}
		})
	}
}

func checkSeries(t *testing.T, load results.Load, s results.Series) {
	t.Helper()
	if len(s.Rounds) != 2 {
		t.Errorf("%s, %s: %d rounds", load, s.Limiter, len(s.Rounds))
	}
	for _, round := range s.Rounds {
		value := func(unit string) float64 {
			value, ok := round.Value(unit)
			if !ok {
				t.Errorf("%s, %s: no %s", load, s.Limiter, unit)
			}
			return value
		}
		if round.Iters == 0 || value(results.Failed) > 0 || value(results.Wrong) > 0 {
			t.Errorf("%s, %s: %+v", load, s.Limiter, round.Values)
		}
		// There may be only a few requests, so a share of 50 % isn't exact.
		if share := 100 * value(results.Denied); load.Denials != 50 && share != load.Denials {
			t.Errorf("%s, %s: %v percent are denied", load, s.Limiter, share)
		}
		for _, unit := range []string{results.Decisions.Unit, results.P50.Unit, results.ServerCPU.Unit, results.CommandCPU} {
			if value(unit) <= 0 {
				t.Errorf("%s, %s: %s is %v", load, s.Limiter, unit, value(unit))
			}
		}
		// A call sends a second command if the server doesn't know the script yet.
		if value(results.P99.Unit) < value(results.P50.Unit) || value(results.Commands) < 1 || value(results.Commands) > 1.1 ||
			value(results.ServerCommands) < 2 || value(results.Sent) < 100 || value(results.Received) < 4 || value(results.Allocs) < 1 {
			t.Errorf("%s, %s: %+v", load, s.Limiter, round.Values)
		}
	}
}

// TestAccuracy: Weir's limiters admit the promised number of requests under load. A bare counter has no definition, so it isn't
// judged.
func TestAccuracy(t *testing.T) {
	kind := servers.All()[0]
	addr := servers.Start(t, kind).Addr
	stdout, run := succeed(t, "-redis", "redis://"+addr+patient, "-limiters", "weir-gcra,weir-slidinglog-rueidis,floor-return", "-processes", "2", "-parts", "accuracy")
	all := run.Accuracy()
	if len(all) != 2 || !strings.Contains(stdout, "\n-rueidis") {
		t.Fatalf("the judged limiters are %+v", all)
	}
	for _, a := range all {
		if admitted := a.Value(results.Admitted); a.Value(results.Failed) > 0 || admitted < a.Value(results.Least) || admitted > a.Value(results.Most) {
			t.Errorf("%s: %+v", a.Limiter, a.Result.Values)
		}
	}
}

func TestCluster(t *testing.T) {
	seeds := servers.StartCluster(t, servers.All()[0], 3, 0).Seeds()
	check := bystander(t, target.Place{Network: "tcp", Addrs: seeds, Cluster: true})
	_, run := succeed(t, "-redis", "redis://"+seeds[0]+patient+",redis://"+seeds[1]+patient, "-limiters", "weir-gcra,weir-gcra-rueidis,weir-gcra-autopipeline,redis_rate",
		"-goroutines", "8", "-denials", "50", "-keys", "100", "-parts", "speed,memory")
	check()
	if run.Nodes != 3 {
		t.Errorf("the server is %+v", run)
	}
	for _, s := range run.Loads()[0].Series {
		checkSeries(t, run.Loads()[0], s)
	}
}

func TestSentinel(t *testing.T) {
	sentinel := servers.StartSentinel(t, servers.All()[0])
	var urls []string
	for _, addr := range sentinel.SentinelAddrs() {
		urls = append(urls, "redis://"+addr+patient+"&master_name="+sentinel.MasterName)
	}
	check := bystander(t, target.Place{Network: "tcp", Addrs: sentinel.SentinelAddrs(), MasterName: sentinel.MasterName})
	_, run := succeed(t, "-redis", strings.Join(urls, ","), "-limiters", "weir-gcra,weir-gcra-rueidis", "-denials", "50", "-parts", "speed")
	check()
	if run.Nodes != 1 || len(run.Loads()) != 2 {
		t.Errorf("the run is %+v", run)
	}
}

// TestInterrupted: an interrupted run prints and writes its results so far, and removes its keys.
func TestInterrupted(t *testing.T) {
	redis := miniredis.RunT(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var calls atomic.Int64
	interrupttest.At(redis, interrupttest.Decides, func(string, []string) bool { return calls.Add(1) == 5_000 }, interrupt)
	path := filepath.Join(t.TempDir(), "run.txt")
	code, stdout, stderr := measure(ctx, "-redis", "redis://"+redis.Addr()+patient, "-limiters", "weir-gcra,redis_rate", "-goroutines", "4",
		"-keys", "hot", "-denials", "50", "-rounds", "10000", "-for", "20ms", "-write", path)
	if code != command.Interrupted || stderr != "bench: interrupted\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	run, err := results.Read(path)
	if err != nil || !run.Interrupted || len(run.Loads()) != 1 || len(run.Loads()[0].Series) != 2 {
		t.Errorf("the written run is %+v, %v", run, err)
	}
	if !strings.Contains(stdout, "Interrupted: ") || !strings.Contains(stdout, "redis_rate") {
		t.Errorf("the output is %q", stdout)
	}
	if keys := redis.Keys(); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

// TestFailures: if a server can't be measured, the command prints one line to standard error, and writes no file.
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
		{"no server there", "redis://127.0.0.1:1", "can't reach the server at 127.0.0.1:1"},
		{"wrong password", "redis://blind:wrong@" + addr, "wants another user name or password"},
		{"no scripts", "redis://unscripted:right@" + addr, "want the rights ~*weir-bench-*"},
		{"no scan", "redis://blind:right@" + addr, "want the rights ~*weir-bench-*"},
		{"no keys", "redis://elsewhere:right@" + addr, "want the rights ~*weir-bench-*"},
		{"no URL", "redis://:wrong@some where", "want redis://"},
		{"no cluster", "redis://" + addr + ",redis://" + addr, "2 servers are named, but"},
		{"different users", "redis://" + addr + ",redis://a:b@" + addr, "want the same user"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run.txt")
			code, stdout, stderr := measure(t.Context(), "-redis", test.url, "-write", path)
			if code != command.Failed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "wrong@") {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %q in it", code, stdout, stderr, test.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
				t.Errorf("the command has written %v", left)
			}
		})
	}
	if keys := admin.Keys(t.Context(), "*").Val(); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

// TestLimit: denials don't count as wrong if -limit sets a limit that keys can reach.
func TestLimit(t *testing.T) {
	redis := miniredis.RunT(t)
	stdout, run := succeed(t, "-redis", "redis://"+redis.Addr()+patient, "-limiters", "weir-gcra,redis_rate", "-goroutines", "2", "-denials", "0", "-keys", "hot",
		"-limit", "1/hour", "-parts", "speed")
	for _, s := range run.Loads()[0].Series {
		if denied := results.Median(s.Values(results.Denied)).Center; denied == 0 || s.Failing() {
			t.Errorf("%s: %v of the requests are denied, failing %v", s.Limiter, denied, s.Failing())
		}
	}
	if strings.Contains(stdout, "wrong") {
		t.Errorf("right denials count as wrong:\n%s", stdout)
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
		{[]string{"-delay", "1500us"}, "want whole milliseconds"},
		{[]string{"-delay", "-1s"}, "want whole milliseconds"},
		{[]string{"-parts", "speed,heat"}, `"heat", want some of speed,accuracy,memory`},
		{[]string{"-redis", "redis://x", "-server", "redis:7.0"}, "want one of the two"},
		{[]string{"-redis", ""}, "-redis is empty"},
		{[]string{"-redis="}, "-redis is empty"},
		{[]string{"-beside", ""}, "-beside is empty"},
	} {
		code, stdout, stderr := measure(t.Context(), test.args...)
		if code != command.Misused || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
			t.Errorf("measure %q: exit code %d, stdout %q, stderr %q, want %q in it", test.args, code, stdout, stderr, test.want)
		}
	}
}

// TestList: -limiters list prints every limiter, and needs no server.
func TestList(t *testing.T) {
	code, stdout, stderr := measure(t.Context(), "-limiters", "list")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for name := range strings.SplitSeq(defaultLimiters+",increx,mine,go-redisstore", ",") {
		if !strings.Contains("\n"+stdout, "\n"+name+"\n") {
			t.Errorf("%s is not listed", name)
		}
	}
}

package demo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/httpload"
	"github.com/go-weir/weir/bench/internal/interrupttest"
	"github.com/go-weir/weir/bench/internal/launch"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/shared/target"
)

func TestMain(m *testing.M) {
	Main()
	servers.Main(m)
}

// demo runs the command and returns what it printed.
func demo(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = command.Run(ctx, append([]string{"demo"}, args...), nil, &out, &err, Command())
	return code, out.String(), err.String()
}

// short returns a plan that takes a few seconds. The periods of its limits are much longer, so exactly one number of
// admitted requests is right.
func short() plan {
	p := plan{processes: 6, kinds: []int{0, 1, 2, 3, 4, 5}}
	load := httpload.Load{Method: http.MethodGet, Timeout: patience}
	paced := load
	paced.Requests, paced.Over, paced.Fresh = 30, 300*time.Millisecond, true
	p.drives = append(p.drives, drive{algorithms.PerHour(10), paced})
	load.Connections, load.For = 64, 300*time.Millisecond
	p.drives = append(p.drives, drive{algorithms.PerHour(20), load})
	return p
}

// TestDemo checks the numbers of each kind on a real server. Weir's kinds must admit exactly the right number.
func TestDemo(t *testing.T) {
	url := "redis://" + servers.Shared(t, servers.All()[0]).Addr + "?read_timeout=1m"
	server, err := launch.Reach(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	r, err := short().carryOut(t.Context(), server, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Outcomes) != 2 {
		t.Fatalf("%d drives were made", len(r.Outcomes))
	}
	for _, o := range r.Outcomes {
		for _, c := range o.all {
			got := len(c.admitted)
			right := min(int(o.limit.Rate), len(c.requests))
			if c.failed > 0 || right == 0 || c.low != right || c.high != right || c.off() != got-right || c.refused() != len(c.requests)-got {
				t.Errorf("%s, %s: of %d requests, %d of which failed (%s), %d to %d are right", o.Title(), c.kind.Name, len(c.requests), c.failed, c.why, c.low, c.high)
			}
			if strings.HasPrefix(c.kind.Name, weirs) && got != right {
				t.Errorf("%s, %s: %d were admitted, want %d", o.Title(), c.kind.Name, got, right)
			}
		}
	}
	client := server.Place.Admin()
	defer client.Close()
	if keys, err := client.Keys(t.Context(), "weir-bench-*").Result(); len(keys) > 0 || err != nil {
		t.Errorf("keys are left: %q, %v", keys, err)
	}
}

// TestCommand runs the command as a user does, with one process and one algorithm.
func TestCommand(t *testing.T) {
	redis := miniredis.RunT(t)
	page := filepath.Join(t.TempDir(), "demo.html")
	code, stdout, stderr := demo(t.Context(), "-redis", "redis://"+redis.Addr(), "-processes", "1", "-algorithm", "gcra", "-limit", "5/hour", "-requests", "10",
		"-over", "20ms", "-burst-limits", "7/hour,8/hour", "-connections", "1", "-burst-for", "50ms", "-html", page)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{
		", at " + redis.Addr() + "; 1 process behind one address.\n",
		"\nLimit 5/hour: 10 requests over 20ms\n", "\nprocess-memory        10       5          5       -             5       -\n",
		"\nLimit 7/hour: 1 connection for 50ms\n", "\nLimit 8/hour: 1 connection for 50ms\n", "\nweir-gcra         Weir's gcra over Redis\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("there is no %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "fixedwindow") {
		t.Errorf("there is an algorithm that was not asked for in\n%s", stdout)
	}
	if _, err := os.Stat(page); err != nil {
		t.Error(err)
	}
	if keys := redis.Keys(); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

// TestFailed: if the server starts to return errors, requests fail, and a note below the table says how.
func TestFailed(t *testing.T) {
	redis := miniredis.RunT(t)
	var calls atomic.Int64
	redis.Server().SetPreHook(func(c *miniserver.Peer, cmd string, _ ...string) bool {
		fails := cmd == "GET" && calls.Add(1) > 10
		if fails {
			c.WriteError("OOM no more")
		}
		return fails
	})
	code, stdout, stderr := demo(t.Context(), "-redis", "redis://"+redis.Addr(), "-processes", "2", "-algorithms", "gcra", "-limit", "5/hour", "-requests", "20",
		"-over", "20ms", "-burst-limits", "7/hour", "-burst-for", "20ms")
	if want := "Of shared-cache the first to fail had the answer 503 Service Unavailable.\n"; code != 0 || stderr != "" || strings.Count(stdout, want) != 2 {
		t.Errorf("exit code %d, stderr %q, want %q in\n%s", code, stderr, want, stdout)
	}
}

// TestInterrupted: an interrupted command leaves no key, and prints and writes the results so far, if there are any.
func TestInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		at    string // the key at which it is interrupted
		begun bool
	}{
		"before anything": {":{first}:", false},
		"in the second":   {":{/shared-cache/2}:", true},
	} {
		t.Run(name, func(t *testing.T) {
			redis := miniredis.RunT(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			last := func(cmd string, args []string) bool { return cmd == "SET" && strings.Contains(args[0], test.at) }
			if test.begun { // workers send the commands
				interrupttest.At(redis, func(cmd string, args []string) bool { return interrupttest.Decides(cmd, args) || last(cmd, args) }, last, interrupt)
			} else {
				redis.Server().SetPreHook(func(_ *miniserver.Peer, cmd string, args ...string) bool {
					if last(cmd, args) {
						interrupt()
					}
					return false
				})
			}
			page := filepath.Join(t.TempDir(), "demo.html")
			code, stdout, stderr := demo(ctx, "-redis", "redis://"+redis.Addr(), "-requests", "3", "-over", "1ms", "-limit", "2/hour", "-burst-limits", "5/hour,6/hour",
				"-burst-for", "20ms", "-algorithms", "gcra", "-html", page, "-processes", "2")
			if code != command.Interrupted || stderr != "bench: interrupted\n" {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
			written, err := os.ReadFile(page)
			if test.begun {
				for _, want := range []string{"Note: interrupted; ", "\nLimit 2/hour: 3 requests over 1ms\n", "\nweir-gcra              3       2          2       -             1       -\n"} {
					if !strings.Contains(stdout, want) {
						t.Errorf("there is no %q in\n%s", want, stdout)
					}
				}
				if strings.Contains(stdout, "6/hour") || err != nil || !bytes.Contains(written, []byte("Note: interrupted; ")) {
					t.Errorf("printed\n%s\nand wrote %v\n%s", stdout, err, written)
				}
			} else if stdout != "" || err == nil {
				t.Errorf("printed %q, and wrote %v %q", stdout, err, written)
			}
			if keys := redis.Keys(); len(keys) > 0 {
				t.Errorf("keys are left: %q", keys)
			}
		})
	}
}

// TestFailures: with an unusable server or invalid flags, the command writes one line to stderr and prints nothing.
func TestFailures(t *testing.T) {
	locked := miniredis.RunT(t)
	locked.RequireAuth("right")
	unscripted := miniredis.RunT(t)
	unscripted.Server().SetPreHook(func(c *miniserver.Peer, cmd string, _ ...string) bool {
		if strings.HasPrefix(cmd, "EVAL") {
			c.WriteError("NOPERM this user has no permissions to run the '" + strings.ToLower(cmd) + "' command")
			return true
		}
		return false
	})
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-redis", "redis://127.0.0.1:1"}, command.Failed, "can't reach the server at 127.0.0.1:1"},
		{[]string{"-redis", "redis://:wrong@" + locked.Addr()}, command.Failed, "wants another user name or password"},
		{[]string{"-redis", "redis://" + unscripted.Addr()}, command.Failed, "want the rights ~weir-bench*"},
		{[]string{"-redis", "redis://" + miniredis.RunT(t).Addr(), "-burst-limits", "100000000000000/s"}, command.Failed, "process-memory: "},
		{[]string{"-redis", "redis://:wrong@no where"}, command.Failed, "want redis://"},
		{[]string{"-html", "/"}, command.Failed, "can't write /: it is a directory"},
		{[]string{"-html", "/no/such/dir/x.html"}, command.Failed, "can't write /no/such/dir/x.html: no such file"},
		{[]string{"now"}, command.Misused, `demo takes only flags, not "now"`},
		{[]string{"-processes", "0"}, command.Misused, "-processes: 0, want 1 to 100"},
		{[]string{"-requests", "0"}, command.Misused, "-requests: 0, want 1 to 100000"},
		{[]string{"-connections", "0"}, command.Misused, "-connections: 0, want 1 to 10000"},
		{[]string{"-over", "0s"}, command.Misused, "-over: 0s, want 1ms to 1h"},
		{[]string{"-burst-for", "2h"}, command.Misused, "-burst-for: 2h0m0s, want 1ms to 1h"},
		{[]string{"-limit", "5"}, command.Misused, "want RATE/PERIOD"},
		{[]string{"-burst-limits", "5/minute,6"}, command.Misused, "want RATE/PERIOD"},
		{[]string{"-algorithms", "gcra,dice"}, command.Misused, `there is no algorithm "dice", want some of fixedwindow,slidinglog,gcra,leakybucket`},
	} {
		code, stdout, stderr := demo(t.Context(), test.args...)
		if code != test.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "wrong@") {
			t.Errorf("demo %q: exit code %d, stdout %q, stderr %q, want %d and %q in it", test.args, code, stdout, stderr, test.code, test.want)
		}
	}
	if keys := unscripted.Keys(); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

// TestWorkerFails: if a worker can't serve, hire returns the reason.
func TestWorkerFails(t *testing.T) {
	locked := miniredis.RunT(t)
	locked.RequireAuth("right")
	_, err := hire(2, service{Place: target.Place{Network: "tcp", Addrs: []string{locked.Addr()}}})
	if err == nil || !strings.Contains(err.Error(), "NOAUTH") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want why a worker could not connect", err)
	}
}

package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9/logging"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(leaveEnv); name != "" {
		leave(name)
	}
	logging.Disable() // go-redis would log failed dials to standard error
	Main(m)
}

// leaveEnv makes the test binary start servers of the named kind, pause one of them, kill another, print the address of the
// first, and wait to be killed.
const leaveEnv = "WEIR_TEST_LEAVE"

func leave(name string) {
	for _, kind := range All() {
		if kind.Name != name {
			continue
		}
		ctx := context.Background()
		g, err := launch(ctx, kind, order{}, order{}, order{})
		if err == nil {
			err = errors.Join(g.servers[1].Pause(ctx), g.servers[2].Kill(ctx))
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(g.servers[0].Addr)
		select {}
	}
}

func TestStart(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := Start(t, kind, "--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
			if !kind.matches(s.Version) {
				t.Errorf("%s is version %s, want %s", kind.Name, s.Version, kind.version)
			}
			if strings.ToLower(s.Name) != kind.program {
				t.Errorf("%s calls itself %s", kind.Name, s.Name)
			}
			if reply, err := call(t.Context(), s.Addr, "PING"); err != nil || reply != "PONG" {
				t.Errorf("PING: %q, %v", reply, err)
			}
			// A value that is too large shows whether the server has the options.
			_, err := call(t.Context(), s.Addr, "SET", "key", strings.Repeat("x", 1<<20))
			if err == nil || !strings.HasPrefix(err.Error(), "OOM ") {
				t.Errorf("a write beyond --maxmemory 1mb: error %v, want OOM", err)
			}
		})
	}
}

func TestShared(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			first := Shared(t, kind)
			if _, err := call(t.Context(), first.Addr, "SET", "shared", "yes"); err != nil {
				t.Fatal(err)
			}
			if again := Shared(t, kind); again != first {
				t.Errorf("second server on %s, want the first's %s", again.Addr, first.Addr)
			}
		})
	}
}

// sign marks a server, so that another server that gets its address later can be distinguished from it.
func sign(tb testing.TB, addr string) {
	tb.Helper()
	if _, err := call(tb.Context(), addr, "SET", "signed", "yes"); err != nil {
		tb.Error(err)
	}
}

// signed reports whether a signed server answers at the address.
func signed(ctx context.Context, addr string) bool {
	reply, err := call(ctx, addr, "GET", "signed")
	return err == nil && reply == "yes"
}

func TestClose(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s, err := Run(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			s.mark(t)
			sign(t, s.Addr)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if signed(t.Context(), s.Addr) {
				t.Errorf("%s still answers", s)
			}
		})
	}
}

// TestBadOption: if a server refuses its options, the start fails at once, and the error contains the reason.
func TestBadOption(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s, err := Run(t.Context(), kind, "--no-such-option", "1")
			if err == nil {
				t.Fatalf("%s runs, close: %v", s, s.Close())
			}
			if !strings.Contains(err.Error(), "no-such-option") {
				t.Errorf("the error %q does not contain the reason", err)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	kind := Kind{Name: "redis-6.9", Image: "weir.invalid/redis:6.9", program: "redis", version: "6.9"}
	_, err := Run(t.Context(), kind)
	const want = `no server for redis-6.9: run "go run ./bench/test", which builds the image or installs the server`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestKilled: if a process is killed, its servers end too, even paused or killed ones, or the next process removes their
// container. The servers of running processes stay.
func TestKilled(t *testing.T) {
	for _, kind := range All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			mine := Start(t, kind)
			cmd := exec.Command(os.Args[0])
			dir := t.TempDir()
			cmd.Env = append(os.Environ(), leaveEnv+"="+kind.Name, "TMPDIR="+dir)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Errorf("no address from the process: %v", err)
			}
			addr := strings.TrimSpace(line)
			sign(t, addr)
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
			// The process is waited for last, because sweep must also recognize a process that has ended as a zombie.
			defer func() { _ = cmd.Wait() }()

			eventually(t, func(ctx context.Context) error {
				if e, _ := connect(); e != nil {
					if err := e.sweep(ctx, ""); err != nil {
						return err
					}
				}
				if signed(ctx, addr) {
					return fmt.Errorf("the server of the killed process still answers on %s", addr)
				}
				if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
					return fmt.Errorf("the killed process left %v, %v", left, err) //nolint:errorlint // err can be nil
				}
				return nil
			})
			if _, err := call(t.Context(), mine.Addr, "PING"); err != nil {
				t.Errorf("%s, whose process lives: %v", mine, err)
			}
		})
	}
}

// TestRunUnder: a server under a tool is a program of this machine that the tool has started.
func TestRunUnder(t *testing.T) {
	s, err := RunUnder(t.Context(), All()[0], []string{"sh", "-c", `echo "started by a tool"; exec "$@"`, "tool"}, "--hz", "7")
	if err != nil {
		t.Fatal(err)
	}
	hz, err := ask(t.Context(), s.Addr, "CONFIG", "GET", "hz")
	if log := s.log(t.Context()); err != nil || fmt.Sprint(hz) != "[hz 7]" || !strings.Contains(log, "started by a tool") || s.Contained {
		t.Errorf("%v: hz %v, %v, log %q", s, hz, err, log)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

package browser

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// endEnv is set in a process that TestNothingIsLeft has started. It says how the process must end.
const endEnv = "WEIR_BENCH_BROWSER_END"

// endWithBrowser starts a browser and ends the test in the given way.
func endWithBrowser(t *testing.T, how string) {
	browser, closeAll, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	_, _, closeTab, err := tab(browser)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case "passes":
		closeTab()
	case "fails":
		t.Fatal("the test must fail here")
	case "panics":
		done := make(chan struct{})
		go func() { panic("the test must panic here") }()
		<-done
	case "exits":
		os.Exit(3)
	default: // waits until the process is killed
		_, _ = os.Stdout.WriteString("ready\n")
		<-context.Background().Done()
	}
}

// TestNothingIsLeft: however a test ends, no process and no file of its browser is left when the output of the test has
// ended.
func TestNothingIsLeft(t *testing.T) {
	if how := os.Getenv(endEnv); how != "" {
		endWithBrowser(t, how)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for how, signal := range map[string]os.Signal{
		"passes": nil, "fails": nil, "panics": nil, "exits": nil,
		"is interrupted": os.Interrupt, "is terminated": syscall.SIGTERM, "is killed": os.Kill,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			// The name of t.TempDir is too long for the browser's sockets.
			temp, err := os.MkdirTemp("", "weir")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(temp)
			home := t.TempDir()
			cmd := exec.Command(self, "-test.run=^TestNothingIsLeft$")
			cmd.Env = append(os.Environ(), endEnv+"="+how, "TMPDIR="+temp, "HOME="+home, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "XDG_DATA_HOME=", "XDG_RUNTIME_DIR=")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewReader(stdout)
			if signal != nil {
				if line, err := said.ReadString('\n'); line != "ready\n" {
					t.Errorf("got %q, %v", line, err)
				}
				if len(users(temp)) == 0 {
					t.Error("no browser has the folder in its command line")
				}
				if err := cmd.Process.Signal(signal); err != nil {
					t.Error(err)
				}
			}
			// Wait returns when the output ends. The guard shares the output.
			err = cmd.Wait()
			if passed := err == nil; passed != (how == "passes") {
				t.Errorf("the process ended with %v: %s", err, stderr.String())
			}
			for _, dir := range []string{temp, home} {
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("these files are left: %q, %v: %s", left, err, stderr.String())
				}
			}
			if left := users(temp); len(left) > 0 {
				t.Errorf("these processes are left: %v", left)
			}
		})
	}
}

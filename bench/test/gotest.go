package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/procgroup"
)

// event is one line of the output of go test -json. See go doc test2json, and go help buildjson for the events of builds.
type event struct {
	Action      string
	Package     string
	Test        string
	Elapsed     float64
	Output      string
	Key, Value  string // of an attr event
	ImportPath  string // of a build event
	FailedBuild string // the ImportPath of the build that made the package fail
}

// readEvents calls each for every event. A line that isn't an event is passed on as output without a package.
func readEvents(r io.Reader, each func(event)) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				e = event{Action: "output", Output: string(line)}
			}
			each(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// graceful is how long an interrupted go test may take before it is killed. It is a variable for the test of that.
var graceful = 20 * time.Second

// goTest runs the tests of all modules and calls each for every event.
func goTest(ctx context.Context, root string, flags []string, each func(event)) error {
	cmd := exec.CommandContext(ctx, "go", testArgs(flags)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"))
	cmd.Stderr = os.Stderr
	// The tests get the interrupt too, so that they can stop what they have started. They are in a process group of their
	// own, so that a Ctrl-C in the terminal doesn't interrupt them twice.
	procgroup.Own(cmd)
	cmd.Cancel = func() error { return procgroup.Interrupt(cmd) }
	cmd.WaitDelay = graceful
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = readEvents(out, each)
	if waitErr := cmd.Wait(); waitErr != nil {
		return fmt.Errorf("go test: %w", waitErr)
	}
	return err
}

// patience is the flag for how long the tests of a package may take, unless the user's flags have another -timeout. go
// test's own ten minutes are too few for some packages on a loaded machine.
const patience = "-timeout=60m"

// testArgs returns the arguments of the go command. The pattern work, which matches the packages of all modules, comes
// before -args, because what follows -args is passed to the test binaries.
func testArgs(flags []string) []string {
	own, theirs := flags, []string(nil)
	if i := slices.IndexFunc(flags, func(f string) bool { return f == "-args" || f == "--args" }); i >= 0 {
		own, theirs = flags[:i], flags[i:]
	}
	return slices.Concat([]string{"test", "-json", "-count=1", patience}, own, []string{"work"}, theirs)
}

// filters reports whether the flags leave out tests.
func filters(flags []string) bool { return hasFlag(flags, "run", "skip", "list") }

// showsAll reports whether the flags ask for the output of tests that pass.
func showsAll(flags []string) bool { return hasFlag(flags, "v", "bench", "list") }

func hasFlag(flags []string, names ...string) bool {
	for _, f := range flags {
		name, isFlag := strings.CutPrefix(f, "-")
		if !isFlag {
			continue
		}
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if name == "args" {
			return false
		}
		if slices.Contains(names, strings.TrimPrefix(name, "test.")) {
			return true
		}
	}
	return false
}

package browser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-weir/weir/bench/internal/procgroup"
)

// guardEnv is the environment variable with the folder that a guard removes. A guard is this program, started again.
const guardEnv = "WEIR_BENCH_BROWSER_FOLDER"

func init() {
	folder := os.Getenv(guardEnv)
	if folder == "" {
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := sweep(folder); err != nil {
		fmt.Fprintf(os.Stderr, "browser: %s is left: %v\n", folder, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// guard starts a process that removes the folder of a browser, and ends the browser if it still runs, when this process releases
// it or ends, also by a panic or a signal. The guard shares this process's standard error, so that go test, which waits for the
// end of that output, waits for the guard.
func guard(folder string) (release func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	cmd := exec.Command(self)
	// The race detector, if it is on, would hold the process for a second at its end.
	cmd.Env = append(os.Environ(), guardEnv+"="+folder, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Stderr = os.Stderr
	procgroup.Own(cmd) // what ends this process is not for the guard
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return func() {
		_ = stdin.Close()
		_ = cmd.Wait() // it has said itself what went wrong
	}, nil
}

// How long a browser's processes may take to end, and how often they are looked for.
const (
	ending = 20 * time.Second
	glance = 10 * time.Millisecond
	quiet  = 3 // looks that find none: one may have started another just before it ended
)

// sweep ends the processes that have the folder in their command lines, as all of a browser's have, and then removes it.
func sweep(folder string) error {
	last := time.Now().Add(ending)
	for none := 0; none < quiet && time.Now().Before(last); time.Sleep(glance) {
		none++
		for _, process := range users(folder) {
			_ = process.Kill()
			none = 0
		}
	}
	err := os.RemoveAll(folder)
	for err != nil && time.Now().Before(last) { // where there is no /proc, a process may still write
		time.Sleep(glance)
		err = os.RemoveAll(folder)
	}
	return err
}

// users returns the processes that have the folder in their command lines; none where there is no /proc.
func users(folder string) (found []*os.Process) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(folder)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			if process, err := os.FindProcess(pid); err == nil {
				found = append(found, process)
			}
		}
	}
	return found
}

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

// guard starts a process that removes the folder of a browser, and first ends the browser if it still runs. It does so when
// this process calls release or ends, even by a panic or a signal. The guard shares this process's standard error, so that
// go test, which waits for the end of that output, waits for the guard.
func guard(folder string) (release func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	cmd := exec.Command(self)
	// With the race detector, a process otherwise waits for a second at its end.
	cmd.Env = append(os.Environ(), guardEnv+"="+folder, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Stderr = os.Stderr
	procgroup.Own(cmd) // so that signals to this process group don't end the guard
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return func() {
		_ = stdin.Close()
		_ = cmd.Wait() // the guard has written its error to standard error
	}, nil
}

// The timeout for the end of a browser's processes, and the interval at which sweep looks for them.
const (
	ending = 20 * time.Second
	glance = 10 * time.Millisecond
	quiet  = 3 // the number of looks in a row that must find none: a process may start another one just before it ends
)

// sweep ends the processes that have the folder in their command lines, which are those of the browser. Then it removes the
// folder.
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
	for err != nil && time.Now().Before(last) { // without /proc, a process may still write to the folder
		time.Sleep(glance)
		err = os.RemoveAll(folder)
	}
	return err
}

// users returns the processes that have the folder in their command lines. Without /proc it returns none.
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

// Package reexec is for programs that start their own binary again, as worker processes.
package reexec

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Env is the environment variable that tells a process that it is a worker.
type Env string

// Main does the work of a worker and ends the process, if the process is a worker. Otherwise it returns.
func (e Env) Main(work func(in io.Reader, out io.Writer) error) {
	if os.Getenv(string(e)) == "" {
		return
	}
	if err := work(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command returns the command that starts a worker. With the race detector a worker ends without its usual delay of a
// second.
func (e Env) Command() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), string(e)+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	return cmd, nil
}

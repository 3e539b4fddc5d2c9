//go:build unix

// Package procgroup starts commands that Ctrl-C does not interrupt, so that their parent process can end them in order.
package procgroup

import (
	"os/exec"
	"syscall"
)

// Own makes a command, with all that it will start, a process group of its own.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Interrupt sends that group what Ctrl-C sends.
func Interrupt(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

//go:build unix

// Package procgroup starts commands that Ctrl-C does not interrupt, so that their parent process can end them in order.
package procgroup

import (
	"os/exec"
	"syscall"
)

// Own puts a command, and all processes that it starts, in a process group of their own. Call it before the command is
// started.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Interrupt sends SIGINT, as Ctrl-C does, to the process group of a command.
func Interrupt(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command, with all that it will start, a process group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interruptGroup sends that group what Ctrl-C sends.
func interruptGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

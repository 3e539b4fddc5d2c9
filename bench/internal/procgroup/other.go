//go:build !unix

package procgroup

import "os/exec"

// Own does nothing: without process groups the console tells all processes, and what is left of a
// command is ended.
func Own(*exec.Cmd) {}

// Interrupt ends a command.
func Interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }

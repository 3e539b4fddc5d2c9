//go:build !unix

package procgroup

import "os/exec"

// Own does nothing, because there are no process groups. Ctrl-C reaches all processes of the console.
func Own(*exec.Cmd) {}

// Interrupt kills the command.
func Interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }

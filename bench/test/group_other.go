//go:build !unix

package main

import "os/exec"

// Without process groups the console tells them all, and what is left of the command is ended.

func ownGroup(*exec.Cmd) {}

func interruptGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

//go:build unix

package wholefile

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipe checks that Write writes to a pipe, and doesn't replace it.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		data, err := os.ReadFile(pipe)
		read <- fmt.Sprint(string(data), err)
	}()
	if err := Write(File{pipe, []byte("passed on ")}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s: %v, %v, want what it was", pipe, info.Mode(), err)
	}
	if got := <-read; got != "passed on <nil>" {
		t.Errorf("the pipe's reader got %q", got)
	}
	only(t, dir, "pipe")
}

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/bench/internal/interrupttest"
)

func TestInterrupted(t *testing.T) {
	redis := miniredis.RunT(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var calls atomic.Int64
	interrupttest.At(redis, interrupttest.Decides, func(string, []string) bool { return calls.Add(1) == 50 }, interrupt)
	var stdout, stderr bytes.Buffer
	dir := t.TempDir()
	args := []string{"compare", "-algorithms", "gcra", "-redis", "redis://" + redis.Addr(), "-html", filepath.Join(dir, "x.html"), "-svg", filepath.Join(dir, "svg")}
	code := run(ctx, args, nil, &stdout, &stderr)
	if code != 130 || stdout.Len() > 0 || stderr.String() != "bench: interrupted\n" {
		t.Errorf("exit code is %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
	if calls.Load() < 50 || len(redis.Keys()) > 0 {
		t.Errorf("after %d calls these keys are left: %q", calls.Load(), redis.Keys())
	}
	if written, err := os.ReadDir(dir); err != nil || len(written) > 0 {
		t.Errorf("there is %q in the directory for files, %v", written, err)
	}
}

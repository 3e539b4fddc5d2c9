package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// TestOnServer compares on a server that the user names: the same decisions, no key left, and none
// touched that was there.
func TestOnServer(t *testing.T) {
	redis := miniredis.RunT(t)
	if err := redis.Set("weir:{mine}:gcra", "1"); err != nil {
		t.Fatal(err)
	}
	redis.RequireUserAuth("me", "right")
	decisions := func(on string) (server string, traces any) {
		var document struct {
			Server string
			Traces any
		}
		if err := json.Unmarshal([]byte(succeed(t, requests, "compare", "-trace", "-", "-and", "10/minute", "-json", "-redis", on)), &document); err != nil {
			t.Fatal(err)
		}
		return document.Server, document.Traces
	}
	server, got := decisions("redis://me:right@" + redis.Addr())
	if !strings.HasSuffix(server, " at "+redis.Addr()) {
		t.Errorf("the server is %q, want its address in it", server)
	}
	for _, other := range []string{"miniredis", "local"} {
		if _, want := decisions(other); !reflect.DeepEqual(got, want) {
			t.Errorf("decisions on a server and on %s differ:\n%v\n%v", other, got, want)
		}
	}
	if keys := redis.Keys(); len(keys) != 1 || keys[0] != "weir:{mine}:gcra" {
		t.Errorf("the server's keys are %q, want those that it had before", keys)
	}
}

func TestInterrupted(t *testing.T) {
	redis := miniredis.RunT(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var calls atomic.Int64
	redis.Server().SetPreHook(func(_ *server.Peer, cmd string, _ ...string) bool {
		if cmd == "EVALSHA" && calls.Add(1) == 50 {
			interrupt()
		}
		return false
	})
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

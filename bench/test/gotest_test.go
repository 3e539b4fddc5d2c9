package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestArgs(t *testing.T) {
	tests := []struct{ flags, want string }{
		{"", "test -json -count=1 -timeout=60m work"},
		{"-race -run X", "test -json -count=1 -timeout=60m -race -run X work"},
		{"-race -args -run X", "test -json -count=1 -timeout=60m -race work -args -run X"},
	}
	for _, test := range tests {
		if got := strings.Join(testArgs(strings.Fields(test.flags)), " "); got != test.want {
			t.Errorf("flags %q: go %s, want go %s", test.flags, got, test.want)
		}
	}
}

func TestFlags(t *testing.T) {
	tests := []struct {
		flags             string
		filters, showsAll bool
	}{
		{"", false, false},
		{"-race", false, false},
		{"-run X", true, false},
		{"--test.run=X", true, false},
		{"-skip=X -v", true, true},
		{"-v=true", false, true},
		{"-vet=off -timeout 5m", false, false},
		{"-bench .", false, true},
		{"-race -args -run", false, false},
	}
	for _, test := range tests {
		flags := strings.Fields(test.flags)
		if got := filters(flags); got != test.filters {
			t.Errorf("filters(%q) = %v", test.flags, got)
		}
		if got := showsAll(flags); got != test.showsAll {
			t.Errorf("showsAll(%q) = %v", test.flags, got)
		}
	}
}

func TestReadEvents(t *testing.T) {
	const input = `{"Action":"attr","Package":"p","Test":"TestA","Key":"k","Value":"v · w"}
no event
{"Action":"fail","Package":"p","Elapsed":1.5,"FailedBuild":"p [p.test]"}`
	var got []event
	if err := readEvents(strings.NewReader(input), func(e event) { got = append(got, e) }); err != nil {
		t.Fatal(err)
	}
	want := []event{
		{Action: "attr", Package: "p", Test: "TestA", Key: "k", Value: "v · w"},
		{Action: "output", Output: "no event\n"},
		{Action: "fail", Package: "p", Elapsed: 1.5, FailedBuild: "p [p.test]"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// workspace makes a workspace of two modules with one test each, and returns its root.
func workspace(t *testing.T, body string) (root string) {
	t.Helper()
	root = t.TempDir()
	files := map[string]string{"go.work": "go 1.26.0\n\nuse (\n\t./one\n\t./two\n)\n"}
	for _, m := range []string{"one", "two"} {
		files[m+"/go.mod"] = "module " + m + ".test/" + m + "\n\ngo 1.26.0\n"
		files[m+"/a_test.go"] = "package " + m + "\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { " + body + " }\n"
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestEveryModule(t *testing.T) {
	root := workspace(t, `t.Attr("weir.server", "Redis 7.0.15 · somewhere")`)
	tl := newTally()
	if err := goTest(t.Context(), root, nil, func(e event) { tl.event(e) }); err != nil {
		t.Error(err)
	}
	if c := tl.byServer["Redis 7.0.15 · somewhere"]; c == nil || *c != (count{passed: 2}) {
		t.Errorf("by server %+v, total %+v: want both tests under the server", c, tl.total)
	}
}

// TestInterrupt: an interrupt ends the tests too, not only go test.
func TestInterrupt(t *testing.T) {
	defer func(before time.Duration) { graceful = before }(graceful)
	graceful = 10 * time.Minute
	root := workspace(t, "<-t.Context().Done()")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tl := newTally()
	begun := false
	err := goTest(ctx, root, nil, func(e event) {
		tl.event(e)
		if e.Action == "run" {
			begun = true
			cancel()
		}
	})
	// If only go test were interrupted, it would wait for its tests until it is killed.
	var exit *exec.ExitError
	if !begun || !errors.As(err, &exit) || !exit.Exited() {
		t.Errorf("go test ended with %v, want it to end by itself, after a test has begun (%v)", err, begun)
	}
	tl.close(func(*packageResult) {}, err)
	if tl.total.failed == 0 || tl.total.passed > 0 {
		t.Errorf("total %+v, want nothing passed", tl.total)
	}
}

// TestHelp: hasFlag finds each form of the flag for help, but not after -args.
func TestHelp(t *testing.T) {
	for _, flag := range []string{"-h", "--help", "-help"} {
		if !hasFlag([]string{"-race", flag}, "h", "help") {
			t.Errorf("%s is not seen", flag)
		}
	}
	if hasFlag([]string{"-args", "-h"}, "h", "help") {
		t.Error("the test binaries' -h is taken for the command's")
	}
}

package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/scripts"
)

func TestTotal(t *testing.T) {
	const written = "# callgrind format\nversion: 1\nevents: Ir\nsummary: 9\n\nfn=(1) main\n0 9\n\ntotals: 1524921\n"
	if n, err := total(strings.NewReader(written)); n != 1524921 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, wrong := range []string{"", "summary: 9\n", "totals: many\n"} {
		if n, err := total(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q has the total %d", wrong, n)
		}
	}
}

func TestBaseline(t *testing.T) {
	counts := figures{{"redis-7.0", "gcra/busy"}: 53_000, {"redis-7.0", "gcra/denied"}: 33_000, {"redis-8.0", "gcra/busy"}: 50_000}
	file := filepath.Join(t.TempDir(), "baseline")
	if err := os.WriteFile(file, []byte(counts.baseline()), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := readBaseline(file)
	if err != nil || !reflect.DeepEqual(known, counts) {
		t.Errorf("%v were written, and %v read: %v", counts, known, err)
	}
	for _, wrong := range []string{"redis-7.0 gcra/busy\n", "redis-7.0 gcra/busy much\n", "redis-7.0 gcra/busy 0\n", "redis-7.0 gcra/busy 1 2\n"} {
		if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if known, err := readBaseline(file); err == nil {
			t.Errorf("%q is read as %v", wrong, known)
		}
	}
}

func TestGrown(t *testing.T) {
	known := figures{{"redis-7.0", "gcra/busy"}: 50_000, {"redis-7.0", "gcra/denied"}: 30_000, {"redis-8.0", "gcra/busy"}: 50_000}
	// A case that was not counted isn't reported.
	if lines := known.grown(figures{{"redis-7.0", "gcra/busy"}: 51_400, {"redis-7.0", "gcra/denied"}: 20_000}); len(lines) > 0 {
		t.Errorf("%q", lines)
	}
	lines := known.grown(figures{{"redis-7.0", "gcra/busy"}: 52_000, {"redis-7.0", "gcra/denied"}: 30_000, {"redis-7.0", "gcra/new"}: 1})
	want := []string{
		"gcra/busy on redis-7.0: 52000 instructions, 4.0 % more than the baseline's 50000; make it cheaper, or write the baseline anew with -write",
		"gcra/new on redis-7.0: the baseline has no such case; write it anew with -write",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

// TestCases: every script that decides one request has cases, and no two cases have the same name.
func TestCases(t *testing.T) {
	all, err := tried()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range append(all, peers(nil)...) {
		if names[s.name] {
			t.Errorf("there are two cases %s", s.name)
		}
		names[s.name] = true
	}
	for _, s := range shipped() {
		if !names[s.name] {
			t.Errorf("%s is not counted without flags", s.name)
		}
	}
	for _, s := range scripts.All() {
		decides := s != scripts.Reset && s != scripts.AllOfReset && s != scripts.QueueCancel && s != scripts.InflightRelease
		if decides && !strings.HasSuffix(s.Name(), "_many") && len(fromFile("new.lua", "", s.Name(), "")) == 0 {
			t.Errorf("there is no case of %s", s.Name())
		}
	}
}

func TestFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new.lua")
	if err := os.WriteFile(file, []byte("return 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args, first string // the first subject's name, or "" for an error
	}{
		{"-cases /busy$", "gcra/busy"},
		{"-shipped -cases queue", "queue/new"},
		{"-cases redis_rate", "redis_rate/idle"},
		{"-script " + file, "new.lua"},
		{"-script " + file + " -args 1,,2", "new.lua"},
		{"-script " + file + " -of gcra_peek", "gcra_peek/busy"},
		{"-script " + file + " -of no-such-script", ""},
		{"-script " + file + " -of gcra -args 1", ""},
		{"-script " + file + " -check baseline.txt", ""},
		{"-script " + file + "-that-is-not-there", ""},
		{"-of gcra", ""},
		{"-write x -cases gcra", ""},
		{"-cases no-such-case", ""},
		{"-cases (", ""},
		{"gcra", ""},
	} {
		var subjects []subject
		o, err := parse(strings.Fields(test.args), t.Output())
		if err == nil {
			subjects, err = o.subjects(nil)
		}
		if err != nil && test.first != "" || err == nil && subjects[0].name != test.first {
			t.Errorf("%q: %v, %v, want %q", test.args, subjects, err, test.first)
		}
	}
	if kinds, err := (options{servers: "redis:7.0,valkey/valkey:8.1"}).kinds(); err != nil || len(kinds) != 2 {
		t.Errorf("the servers are %v, %v", kinds, err)
	}
}

func TestRender(t *testing.T) {
	kinds := []servers.Kind{{Name: "redis-7.0"}, {Name: "redis-8.0"}}
	text := render(kinds, []subject{{name: "gcra/busy"}}, figures{{"redis-7.0", "gcra/busy"}: 53_250})
	if want := "gcra/busy                       53.2          -\n"; !strings.HasSuffix(text, want) {
		t.Errorf("%q doesn't end with %q", text, want)
	}
}

// recorder is a Runner that keeps the arguments of its last call.
type recorder struct {
	script *scripts.Script
	args   []string
}

func (r *recorder) Run(_ context.Context, s *scripts.Script, _ []string, args []string) ([]int64, error) {
	r.script, r.args = s, args
	return nil, nil
}

func TestInstead(t *testing.T) {
	text := scripts.New("text", "return 1")
	var last recorder
	run := instead{&last, scripts.GCRA, text, []string{"a", "b", "c"}}
	if _, err := run.Run(t.Context(), scripts.GCRA, nil, []string{"1", "2"}); err != nil || last.script != text || !slices.Equal(last.args, []string{"1", "2", "c"}) {
		t.Errorf("%v was run with %q: %v", last.script, last.args, err)
	}
	if _, err := run.Run(t.Context(), scripts.Reset, nil, nil); err != nil || last.script != scripts.Reset || len(last.args) > 0 {
		t.Errorf("%v was run with %q: %v", last.script, last.args, err)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/go-weir/weir/internal/resptest"
)

func TestMisuse(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"compute"}, `no command "compute"`},
		{[]string{"-x"}, "-x"},
		{[]string{"compare", "-x"}, "-x"},
		{[]string{"compare", "edge"}, `compare takes only flags, not "edge"`},
		{[]string{"compare", "-only", "edge,foo"}, `no built-in trace "foo", want some of edge,idle,steady,bursts,articles`},
		{[]string{"compare", "-only", "edge", "-trace", "x.csv"}, "want only one of -log, -trace and -only"},
		{[]string{"compare", "-algorithms", "bar"}, `no algorithm "bar", want some of fixedwindow,slidinglog,gcra,leakybucket,queue,allof,inflight`},
		{[]string{"compare", "-limit", "5"}, "want RATE/PERIOD"},
		{[]string{"compare", "-limit"}, "needs an argument"},
		{[]string{"compare", "-and", "5"}, "-and: "},
		{[]string{"compare", "-and", ""}, "-and: "},
		{[]string{"compare", "-and", "60/minute burst 5"}, "-and: 60/minute burst 5 has a burst, which fixedwindow does not support: want a limit such as 60/minute"},
		{[]string{"compare", "-width", "3"}, "want 60 to 1000"},
		{[]string{"compare", "-json=perhaps"}, "perhaps"},
		{[]string{"help", "compute"}, `no command "compute"`},
		{[]string{"compare", "-log", "x", "-trace", "y"}, "want only one of -log, -trace and -only"},
		{[]string{"compare", "-key", "user"}, "-key needs -log FILE"},
		{[]string{"compare", "-trace", "x", "-spread=false"}, "-spread needs -log FILE"},
		{[]string{"compare", "-log", "x", "-late", "-1s"}, "-late: -1s, want 0s or more"},
		{[]string{"compare", "-log", "x", "-limit", "5/minute,6"}, "want RATE/PERIOD"},
	} {
		if got := fail(t, 2, test.args...); !strings.Contains(got, test.want) {
			t.Errorf("bench %q: stderr is %q, want %q in it", test.args, got, test.want)
		}
	}
}

func TestFailures(t *testing.T) {
	closed := resptest.Refusing(t)

	locked := miniredis.RunT(t)
	locked.RequireAuth("right")

	// This server answers like one whose user may do anything except run scripts.
	unscripted := miniredis.RunT(t)
	unscripted.Server().SetPreHook(func(c *server.Peer, cmd string, _ ...string) bool {
		if strings.HasPrefix(cmd, "EVAL") {
			c.WriteError("NOPERM this user has no permissions to run the '" + strings.ToLower(cmd) + "' command")
			return true
		}
		return false
	})

	file := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(file, []byte("0s\n1s\nsoon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"closed port", []string{"-redis", "redis://" + closed}, "can't reach the server at " + closed},
		{"no password", []string{"-redis", "redis://" + locked.Addr()}, "another user name or password"},
		{"wrong password", []string{"-redis", "redis://:wrong@" + locked.Addr()}, "another user name or password"},
		{"no scripts", []string{"-redis", "redis://" + unscripted.Addr()}, "may not run these scripts"},
		{"no URL", []string{"-redis", "redis://:wrong@local host"}, "want redis://"},
		{"other URL", []string{"-redis", "http://127.0.0.1"}, "want redis://"},
		{"no file", []string{"-trace", file + "x"}, "no such file"},
		{"bad line", []string{"-trace", file}, file + `:3: offset "soon": want`},
		{"no log", []string{"-log", file + "x"}, "no such file"},
		{"log of no format", []string{"-log", file}, file + `:1: "0s": want lines in nginx's or Apache's`},
		{"log without that field", []string{"-log", "testdata/access.log", "-key", "account"}, `access.log:1: there is no field "account": want some of address, user,`},
		{"directory as a page", []string{"-log", "no file is read", "-html", "testdata"}, "can't write testdata: it is a directory"},
		{"empty file", []string{"-trace", os.DevNull}, "no request"},
		{"rate too high for a log", []string{"-limit", "100000000000000/s"}, "slidinglog: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := fail(t, 1, append([]string{"compare"}, test.args...)...)
			if !strings.Contains(got, test.want) || strings.Contains(got, "wrong@") {
				t.Errorf("stderr is %q, want %q in it, and no password", got, test.want)
			}
		})
	}
	if keys := append(locked.Keys(), unscripted.Keys()...); len(keys) > 0 {
		t.Errorf("keys are left: %q", keys)
	}
}

// TestHelp: help COMMAND and COMMAND -h print the same help.
func TestHelp(t *testing.T) {
	if got, want := succeed(t, "", "help", "compare"), succeed(t, "", "compare", "-h"); got != want || !strings.Contains(got, "-log FILE") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := succeed(t, "", "help"); got != succeed(t, "") {
		t.Errorf("got\n%s", got)
	}
}

package servers

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRunHere: RunHere returns when the program logs its address. The program has the given environment and directory, and ends
// with Close.
func TestRunHere(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as $PWD is
	if err != nil {
		t.Fatal(err)
	}
	const script = `trap "echo ended >&2; exit 0" TERM
echo "in $PWD it listens on $PLACE" >&2
while :; do sleep 0.01; done`
	p, err := RunHere(dir, regexp.MustCompile(`in (\S+) it listens on (\S+)`), map[string]string{"PLACE": "here"}, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Listens) != 2 || p.Listens[0] != dir || p.Listens[1] != "here" {
		t.Errorf("it listens on %q", p.Listens)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if log := p.Log(context.Background()); !strings.HasSuffix(log, "\nended\n") {
		t.Errorf("it logged %q", log)
	}
}

// TestRunHereEnds: if a program ends before it listens, the error contains its log and its exit status.
func TestRunHereEnds(t *testing.T) {
	_, err := RunHere("", regexp.MustCompile("listens"), nil, "sh", "-c", "echo no port >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "no port") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

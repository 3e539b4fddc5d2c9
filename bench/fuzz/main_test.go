package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	targets, err := find(`^leakybucket\.Fuzz(Queue|Key)$`)
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, found := range targets {
		labels = append(labels, found.label())
	}
	if want := []string{"leakybucket.FuzzKey", "leakybucket.FuzzQueue"}; !slices.Equal(labels, want) {
		t.Errorf("found %q, want %q", labels, want)
	}
	if found, err := find("no such target"); err == nil {
		t.Errorf("found %v by the name of none", found)
	}
}

// TestProgress reads outputs of go test.
func TestProgress(t *testing.T) {
	const passed = `fuzz: elapsed: 0s, gathering baseline coverage: 0/103 completed
fuzz: elapsed: 0s, gathering baseline coverage: 103/103 completed, now fuzzing with 1 workers
fuzz: elapsed: 3s, execs: 30845 (10281/sec), new interesting: 23 (total: 126)
fuzz: elapsed: 1m6s, execs: 62329 (10489/sec), new interesting: 27 (total: 130)
PASS
ok  	github.com/go-weir/weir/algorithms	66.144s
`
	const failed = `fuzz: elapsed: 0s, gathering baseline coverage: 0/1 completed
fuzz: minimizing 35-byte failing input file
fuzz: elapsed: 1s, minimizing
--- FAIL: FuzzA (0.56s)
    --- FAIL: FuzzA (0.00s)
        a_test.go:9: wrong
    
    Failing input written to testdata/fuzz/FuzzA/771e938e4458e983
    To re-run:
    go test -run=FuzzA/771e938e4458e983
FAIL
`
	if executions, interesting, _ := progress(passed); executions != 62329 || interesting != 27 {
		t.Errorf("%d executions, %d new inputs, want 62329 and 27", executions, interesting)
	}
	executions, interesting, said := progress(failed)
	if executions != 0 || interesting != 0 || !strings.HasPrefix(said, "--- FAIL: FuzzA") || !strings.HasSuffix(said, "FAIL\n") {
		t.Errorf("%d executions, %d new inputs, said:\n%s", executions, interesting, said)
	}
	if m := where.FindStringSubmatch(said); m == nil || m[1] != "testdata/fuzz/FuzzA/771e938e4458e983" {
		t.Errorf("the failing input is in %q", m)
	}
}

func TestChoose(t *testing.T) {
	have := []file{{"by hand", "bb"}}
	interesting := []file{{"1", "ccc"}, {"2", "a"}, {"3", "bb"}, {"4", "ddd"}, {"5", "a"}, {"6", strings.Repeat("e", largestKept+1)}}
	if got, want := choose(have, interesting), []file{{"2", "a"}, {"1", "ccc"}, {"4", "ddd"}}; !slices.Equal(got, want) {
		t.Errorf("chosen %v, want the small ones that aren't there yet, %v", got, want)
	}
	for i := range 2 * mostKept {
		interesting = append(interesting, file{fmt.Sprint("more", i), fmt.Sprint(i)})
	}
	if got := choose(have, interesting); len(got) != mostKept-len(have) {
		t.Errorf("%d chosen beside %d, want %d in all", len(got), len(have), mostKept)
	}
	if got := choose(interesting, have); len(got) > 0 {
		t.Errorf("%v chosen where there is no room", got)
	}
}

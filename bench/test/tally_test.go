package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
)

const (
	redis  = "Redis 7.0.15 · container redis:7.0"
	valkey = "Valkey 8.1.1 · container valkey/valkey:8.1"
)

// replay passes recorded events of go test through a tally and a printer. testdata/run.json was
// recorded from packages that pass, fail, skip, panic, exit early, don't compile and don't pass
// vet.
func replay(t *testing.T, all bool) (*tally, map[string]*packageResult, string) {
	t.Helper()
	data, err := os.ReadFile("testdata/run.json")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	tl, p := newTally(), &printer{out: &out, all: all}
	packages := map[string]*packageResult{}
	if err := readEvents(bytes.NewReader(data), func(e event) {
		p.event(e)
		if done := tl.event(e); done != nil {
			p.packageDone(done)
			packages[done.name] = done
		}
	}); err != nil {
		t.Fatal(err)
	}
	tl.close(func(p *packageResult) { t.Errorf("%s has not ended", p.name) }, errors.New("exit status 1"))
	return tl, packages, out.String()
}

func TestTally(t *testing.T) {
	tl, packages, _ := replay(t, false)
	if want := (count{passed: 10, failed: 7, skipped: 1}); tl.total != want {
		t.Errorf("total %+v, want %+v", tl.total, want)
	}
	if want := (count{passed: 5, failed: 2}); tl.without != want {
		t.Errorf("without a server %+v, want %+v", tl.without, want)
	}
	if tl.outside != 3 {
		t.Errorf("%d packages failed outside a test, want 3: broken, vets and exits", tl.outside)
	}
	byServer := map[string]count{}
	for name, c := range tl.byServer {
		byServer[name] = *c
	}
	// TestItselfFails failed by itself, so it is counted besides its subtest. TestBoth counts in
	// both rows.
	want := map[string]count{
		redis:  {passed: 4, failed: 1},
		valkey: {passed: 2, failed: 1, skipped: 1},
	}
	if !maps.Equal(byServer, want) {
		t.Errorf("by server %+v, want %+v", byServer, want)
	}

	counts := map[string]count{}
	for name, p := range packages {
		counts[name] = p.count
	}
	wantCounts := map[string]count{
		"sample/broken": {failed: 1},
		"sample/exits":  {passed: 1, failed: 1},
		"sample/none":   {},
		"sample/panics": {passed: 1, failed: 2},
		"sample/served": {passed: 8, failed: 2, skipped: 1},
		"sample/vets":   {failed: 1},
	}
	if !maps.Equal(counts, wantCounts) {
		t.Errorf("by package %+v, want %+v", counts, wantCounts)
	}
}

func TestUnused(t *testing.T) {
	tl, _, _ := replay(t, false)
	kinds := []servers.Kind{{Name: "redis-7.0"}, {Name: "redis-8.0"}, {Name: "valkey-8.1"}}
	if got := tl.unused(kinds); len(got) != 1 || got[0].Name != "redis-8.0" {
		t.Errorf("unused %v, want redis-8.0 alone", got)
	}
}

func TestOutput(t *testing.T) {
	tl, _, out := replay(t, false)
	for _, want := range []string{
		"--- FAIL: TestEach/valkey-8.1/bad (0.00s)\n    a_test.go:21: two\n        lines\n",
		"--- SKIP: TestEach/valkey-8.1/skipped (0.00s)\n    a_test.go:22: not today\n",
		"--- FAIL: TestItselfFails (0.00s)\n    a_test.go:34: after its subtest\n",
		"FAIL  sample/served  11 tests  0.0s\n",
		"broken/a_test.go:5:28: undefined: undefined\nFAIL  sample/broken  build failed\n",
		"vets/a_test.go:8:40: fmt.Printf format %d has arg",
		"leaving\nexit status 3\nFAIL  sample/exits  ",
		"panic: boom",
		"sample/panics/a_test.go:9",
		"--- FAIL: TestHeld (did not finish)\n",
		"-     sample/none  no tests\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in the output", want)
		}
	}
	for _, unwanted := range []string{"quiet", "=== ", "TestPlain", "FAIL\t"} {
		if strings.Contains(out, unwanted) {
			t.Errorf("%q in the output", unwanted)
		}
	}
	if t.Failed() {
		t.Log(out)
	}

	var summary bytes.Buffer
	(&printer{out: &summary}).summary(tl, []servers.Kind{{Name: "redis-8.0"}})
	lines := strings.Split(strings.TrimRight(summary.String(), "\n"), "\n")
	if last := lines[len(lines)-2:]; !slices.Equal(last, []string{
		"no test ran against redis-8.0",
		"10 passed, 7 failed, 1 skipped",
	}) {
		t.Errorf("the summary ends with %q", last)
	}
	for _, server := range []string{redis, valkey, "without a server"} {
		if strings.Count(summary.String(), "│ "+server+" ") != 1 {
			t.Errorf("no row for %s in\n%s", server, summary.String())
		}
	}
}

func TestOutputOfEverything(t *testing.T) {
	_, _, out := replay(t, true)
	for _, once := range []string{"quiet", "=== RUN   TestPlain\n", "not today", "panic: boom", "leaving"} {
		if n := strings.Count(out, once); n != 1 {
			t.Errorf("%q is in the output %d times, want once", once, n)
		}
	}
}

// TestClose: a test that go test leaves open when it is interrupted has failed. If go test fails
// and no test has failed, one failure is counted.
func TestClose(t *testing.T) {
	tl := newTally()
	for _, e := range []event{
		{Action: "run", Package: "p", Test: "TestA"},
		{Action: "pass", Package: "p", Test: "TestA"},
		{Action: "run", Package: "p", Test: "TestB"},
		{Action: "run", Package: "p", Test: "TestB/sub"},
	} {
		tl.event(e)
	}
	var closed []string
	tl.close(func(p *packageResult) { closed = append(closed, p.name) }, errors.New("interrupted"))
	if want := (count{passed: 1, failed: 1}); tl.total != want || !slices.Equal(closed, []string{"p"}) {
		t.Errorf("total %+v after closing %v, want %+v after p", tl.total, closed, want)
	}

	tl = newTally()
	tl.close(nil, errors.New("exit status 2"))
	if want := (count{failed: 1}); tl.total != want {
		t.Errorf("total %+v, want %+v", tl.total, want)
	}
}

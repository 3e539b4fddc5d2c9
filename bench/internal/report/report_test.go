package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

// report runs the command.
func report(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = command.Run(t.Context(), append([]string{"report"}, args...), nil, &out, &err, Command())
	return code, out.String(), err.String()
}

// write writes made-up runs, and returns their paths.
func write(t *testing.T, runs ...results.Run) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i, run := range runs {
		path := filepath.Join(dir, string(rune('a'+i))+".txt")
		if err := results.Write(path, run); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// TestSummary: the summary has the outcome, the verdicts of both runs, and the undecided comparisons.
func TestSummary(t *testing.T) {
	paths := write(t, resultstest.Run(1), resultstest.Run(2))
	code, got, stderr := report(t, paths...)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	lines := strings.Count(got, "\n")
	if lines > 150 {
		t.Errorf("the summary has %d lines, want at most 150", lines)
	}
	got = strings.Join(strings.Fields(got), " ")
	for _, want := range []string{
		"a decision of Weir takes less processor time on the server than one of redis_rate (ratio 0.",
		", better in 8 of 8 comparisons), and more than one of ulule (ratio 1.",
		". The comparison with throttled is undecided.",
		"| `weir-gcra` ÷ `redis_rate` | server CPU | 0.6",
		"| `weir-gcra` ÷ `redis_rate` | 4/0/0, 4/0/0 | 2/2/0, 2/2/0 | 2/2/0, 2/2/0 | 2/2/0, 2/2/0 |",
		"| `weir-fixedwindow` ÷ `ulule` | 0/0/4, 0/0/4 | 0/2/2, 0/2/2 | 0/2/2, 0/2/2 | 0/2/2, 0/2/2 |",
		"Of 48 verdicts, 48 are the same in all runs, 0 are decided in only some runs, and 0 are better in one run and worse in another.",
		"; `weir-gcra` ÷ `throttled` (server CPU 4, decisions/s 4, p50 4, p99 4).",
		"``` go run ./bench measure -write run.txt ```",
		"| `throttled` | 169 MB | 178 MB | 268 MB | 1.17 GB |",
		"Run 2: Redis 7.0.15, container redis:7.0; clients on 4 processors",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary has no %q:\n%s", want, got)
		}
	}
}

// TestReversed: the summary names reversed verdicts and doubtful runs.
func TestReversed(t *testing.T) {
	one, other := resultstest.Run(1), resultstest.Run(2)
	for _, r := range other.Results {
		if strings.Contains(string(r.Name), "limiter=weir-gcra/goroutines=64/denials=0/") {
			for i := range r.Values {
				r.Values[i].Value *= 3
				r.Values[i].OrigValue *= 3
			}
		}
	}
	other.Doubts = []string{"others were there"}
	_, got, _ := report(t, write(t, one, other)...)
	got = strings.Join(strings.Fields(got), " ")
	for _, want := range []string{
		"**Don't rely on the figures of run 2**: others were there.",
		"worse in another: `weir-gcra` ÷ `redis_rate`, server CPU, 64 goroutines, 10,000 keys, 0% denied;",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the summary has no %q:\n%s", want, got)
		}
	}
}

// TestOnlyUnlike: a run with only Weir's limiters has a summary, and so does a run with a single limiter.
func TestOnlyUnlike(t *testing.T) {
	run := resultstest.Run(1)
	run.Limiters = run.Limiters[:2]
	for i, name := range []string{"weir-allof", "weir-onebyone"} {
		for _, r := range run.Results {
			r.Name = benchfmt.Name(strings.Replace(string(r.Name), "="+run.Limiters[i].Name+"/", "="+name+"/", 1))
		}
		run.Limiters[i].Name = name
	}
	code, got, _ := report(t, write(t, run)...)
	if code != 0 || !strings.Contains(got, "| `weir-allof` ÷ `weir-onebyone` | server CPU | ") || !strings.Contains(got, "The runs compare no limiter of Weir's") {
		t.Errorf("exit code %d:\n%s", code, got)
	}
	run.Limiters = run.Limiters[:1]
	if code, got, _ = report(t, write(t, run)...); code != 0 || strings.Contains(got, "÷ `") {
		t.Errorf("exit code %d:\n%s", code, got)
	}
}

// TestFiles: the summary and the tables are written to files.
func TestFiles(t *testing.T) {
	paths := write(t, resultstest.Run(1))
	dir := t.TempDir()
	summary, tables := filepath.Join(dir, "summary.md"), filepath.Join(dir, "tables.md")
	code, stdout, stderr := report(t, append([]string{"-summary", summary, "-tables", tables}, paths...)...)
	if code != 0 || stdout != "" || stderr != "" {
		t.Fatalf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for path, want := range map[string]string{
		summary: "\n# What limiters cost, measured\n",
		tables:  "\n### 64 goroutines, 10,000 keys, 90% denied\n",
	} {
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), want) || !strings.HasPrefix(string(data), "<!-- Written by: go run ./bench report") {
			t.Errorf("%s: %v, want %q in it:\n%s", path, err, want, data)
		}
	}
}

func TestMisuse(t *testing.T) {
	path := write(t, resultstest.Run(1))[0]
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, command.Misused, "which run?"},
		{[]string{path, path}, command.Misused, "is named twice"},
		{[]string{"-tables", path, path}, command.Misused, "would be overwritten"},
		{[]string{"-summary", "", path}, command.Misused, "-summary is empty"},
		{[]string{empty}, command.Failed, "it contains no run"},
		{[]string{path + "x"}, command.Failed, "no such file"},
	} {
		code, stdout, stderr := report(t, test.args...)
		if code != test.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
			t.Errorf("report %q: exit code %d, stdout %q, stderr %q, want %q in it", test.args, code, stdout, stderr, test.want)
		}
	}
}

package report

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

// bench runs the program's command report.
func bench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = command.Run(t.Context(), append([]string{"report"}, args...), nil, &out, &err, Command())
	return code, out.String(), err.String()
}

// inFolder makes a folder with runs in it the working one.
func inFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for i, path := range []string{"run.json", "again.json"} {
		if err := results.Write(path, resultstest.Small("Redis 7.0.15", uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
}

// files returns what is in the working folder.
func files(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}

func TestCommand(t *testing.T) {
	inFolder(t)
	code, stdout, stderr := bench(t, "-only", "redis_rate", "run.json")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "# Rate limiters") || strings.Contains(stdout, "rueidis") {
		t.Errorf("exit code %d, stderr %q, stdout %s", code, stderr, stdout)
	}
	code, stdout, stderr = bench(t, "-html", "report.html", "--markdown", "report.md", "run.json", "again.json")
	if code != 0 || stdout != "" || stderr != "" {
		t.Errorf("exit code %d, stderr %q, stdout %q; want silence", code, stderr, stdout)
	}
	if got, want := files(t), "again.json report.html report.md run.json"; got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
	for path, want := range map[string]string{"report.html": "</html>", "report.md": "[again.json](<again.json>)"} {
		if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, want %s in it", path, err, want)
		}
	}
}

func TestMisuse(t *testing.T) {
	inFolder(t)
	if err := os.Symlink("run.json", "link.json"); err != nil {
		t.Fatal(err)
	}
	before := files(t)
	for _, test := range []struct {
		code int
		args []string
		want string
	}{
		{2, nil, "which run?"},
		{2, []string{"-x", "run.json"}, "-x"},
		{2, []string{"run.json", "./run.json"}, "./run.json is named twice"},
		{2, []string{"run.json", "link.json"}, "link.json is named twice"},
		{2, []string{"-html", "link.json", "run.json"}, "-html would overwrite the run link.json"},
		{2, []string{"-markdown", "x", "-html", "./x", "run.json"}, "-markdown and -html name the same file ./x"},
		{2, []string{"-markdown", "", "run.json"}, "-markdown names no file"},
		{1, []string{"missing.json"}, "can't read missing.json: no such file or directory"},
		{1, []string{"-html", "x", "run.json", os.DevNull}, os.DevNull + ": it is empty"},
		{1, []string{"-html", "x", "-only", "redis_rate,ulule", "run.json"}, `no result of "ulule"; there are weir-gcra, `},
		{1, []string{"-html", "x", "-baseline", "ulule", "run.json"}, `run.json holds no result of the baseline "ulule"; there are weir-gcra, `},
		{1, []string{"-html", "x", "-markdown", "missing/x", "run.json"}, "can't write missing/x: no such file or directory"},
		{1, []string{"-html", ".", "-markdown", "x", "run.json"}, "can't write .: it is a directory"},
	} {
		code, stdout, stderr := bench(t, test.args...)
		if code != test.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
			t.Errorf("report %q: exit code %d, want %d; stdout %q; stderr %q, want one line with %q", test.args, code, test.code, stdout, stderr, test.want)
		}
	}
	if after := files(t); after != before {
		t.Errorf("there are %s, want %s", after, before)
	}
}

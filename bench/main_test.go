package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/bench/internal/demo"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

func TestMain(m *testing.M) {
	demo.Main() // its workers are this binary, started again
	m.Run()
}

var update = flag.Bool("update", false, "write the files that hold expected output")

// bench runs the program and returns what it printed.
func bench(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

// succeed runs the program, checks that it succeeds without a word on stderr, and returns its output.
func succeed(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	code, stdout, stderr := bench(t, stdin, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("bench %q: exit code %d, stderr %q", args, code, stderr)
	}
	return stdout
}

// fail runs the program, checks that it fails with that exit code and one line on stderr, and returns that line.
func fail(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, stdout, stderr := bench(t, "", args...)
	if got != code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "bench: ") {
		t.Fatalf("bench %q: exit code %d, want %d; stdout %q, want none; stderr %q, want a line", args, got, code, stdout, stderr)
	}
	return stderr
}

const requests = "offset,key,cost\n0s,alice\n0.2s,alice,3\n250ms,bob\n1.5,alice,1\n2s,bob,6\n1m30s,bob,5\n"

func TestGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"help":          {},
		"compare":       {"compare"},
		"compare-60":    {"compare", "-width=60"},
		"log":           {"compare", "-log", "testdata/access.log", "-limit", "60/minute"},
		"log-json":      {"compare", "-log", "testdata/service.jsonl", "-limit", "60/minute", "-key", "request.remote_addr,request.uri:1"},
		"log-and":       {"compare", "-log", "testdata/access.log", "-limit", "30/minute burst 10,60/minute", "-and", "100/5m", "-algorithms", "gcra", "-aligned"},
		"log-csv":       {"compare", "-log", "testdata/calls.csv", "-limit", "10/minute,30/minute burst 5", "-limit", "90/minute", "-time-field", "sent_ms", "-key", "account", "-aligned"},
		"log-seconds":   {"compare", "-log", "testdata/access.log", "-spread=false", "-key", "path:1", "-algorithms", "gcra,fixedwindow", "-width", "60"},
		"edge-aligned":  {"compare", "-only", "edge", "-aligned", "-limit", "10/s", "-algorithms", "fixedwindow"},
		"other-limit":   {"compare", "--only", "idle", "--limit", "10/s burst 5"},
		"file":          {"compare", "-trace", "-", "-limit", "5/minute"},
		"file-no-queue": {"compare", "-trace", "-", "-limit", "5/minute", "-algorithms", "gcra, slidinglog"},
		"json":          {"compare", "-trace", "-", "-limit", "5/minute burst 3", "-algorithms", "gcra,queue", "-json"},
	} {
		t.Run(name, func(t *testing.T) {
			got := succeed(t, requests, args...)
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("bench %q: got\n%s\nwant, as in %s (or run go test -update)\n%s", args, got, file, want)
			}
			widest := 80
			if slices.ContainsFunc(args, func(arg string) bool { return strings.HasSuffix(arg, "60") }) {
				widest = 60
			}
			for line := range strings.Lines(got) {
				if name != "json" && name != "help" && len([]rune(line)) > widest+1 || strings.HasSuffix(line, " \n") {
					t.Errorf("line is too long or ends with a space: %q", line)
				}
			}
		})
	}
}

// TestReadme checks the outputs in the README: each block under a comment "output: ARGS" is what bench prints with these
// arguments.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)<!-- output: ([^\n]*) -->\n```text\n(.*?)```\n")
	if len(blocks.FindAll(readme, -1)) == 0 {
		t.Error("README.md holds no output")
	}
	want := blocks.ReplaceAllFunc(readme, func(block []byte) []byte {
		args := string(blocks.FindSubmatch(block)[1])
		return []byte("<!-- output: " + args + " -->\n```text\n" + succeed(t, "", strings.Fields(args)...) + "```\n")
	})
	if *update {
		if err := os.WriteFile("README.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(readme, want) {
		t.Error("README.md shows other output than bench prints; run go test -update")
	}
}

// TestExamples runs each command line in the help, in bench's README, and in the repository's README and docs.
func TestExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	csv := regexp.MustCompile("(?s)<!-- file: requests.csv -->\n```csv\n(.*?)```").FindSubmatch(readme)
	if csv == nil {
		t.Fatal("README.md holds no requests.csv")
	}
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("the pages of docs are %q, %v", paths, err)
	}
	var pages []string
	for _, path := range append(paths, "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, "\n", string(text))
	}
	articles, err := filepath.Abs("../docs/articles.md")
	if err != nil {
		t.Fatal(err)
	}
	redis := miniredis.RunT(t)
	limited := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(limited.Close)
	t.Chdir(t.TempDir())
	files := logs()
	files["requests.csv"] = csv[1]
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	texts := succeed(t, "") + succeed(t, "", "compare", "-help") + succeed(t, "", "measure", "-help") + succeed(t, "", "report", "-help") +
		succeed(t, "", "http", "-help") + succeed(t, "", "demo", "-help") + string(readme)
	for _, page := range pages {
		texts += page
	}
	lines := regexp.MustCompile(`(?m)^ *go run \./bench((?: .*)?)$`).FindAllStringSubmatch(texts, -1)
	inTables, err := os.ReadFile(articles)
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, regexp.MustCompile("`go run \\./bench( [^`]*)`").FindAllStringSubmatch(string(inTables), -1)...)
	if len(lines) < 10 {
		t.Fatalf("found %d command lines, want more", len(lines))
	}
	seen := map[string]bool{}
	words := regexp.MustCompile(`"[^"]*"|\S+`)
	for _, line := range lines {
		command, _, _ := strings.Cut(line[1], " | ")
		command, _, _ = strings.Cut(command, "     ") // without the description
		command = strings.ReplaceAll(command, "127.0.0.1:6379", redis.Addr())
		command = strings.ReplaceAll(command, "http://127.0.0.1:8080", limited.URL)
		var args []string
		for _, word := range words.FindAllString(command, -1) {
			args = append(args, strings.Trim(word, `"`))
		}
		name := strings.Join(args, " ")
		name = strings.ReplaceAll(name, "run-2.txt", "run-1.txt") // commands that differ only in the file run once
		if seen[name] || strings.HasPrefix(name, "COMMAND") {
			continue
		}
		seen[name] = true
		if strings.Contains(name, "10.0.0.1") || strings.Contains(name, "127.0.0.1:8000") {
			// Clusters and sentinels are tested by the command measure, a Django service by bench/suites/django.
			continue
		}
		// Make the run short.
		if len(args) > 0 {
			switch args[0] {
			case "measure":
				args = append(args, "-for", "5ms", "-rounds", "1", "-parts", "speed")
				if !slices.Contains(args, "-keys") || slices.Contains(args, "results") {
					args = append(args, "-keys", "hot")
				}
			case "http":
				args = append(args, "-d", "20ms")
			case "demo": // the tests of the command measure start a server
				args = append(args, "-over", "20ms", "-burst-for", "20ms", "-redis", "redis://"+redis.Addr())
			}
		}
		// Write the files of runs that the command reads.
		if len(args) > 0 && args[0] == "report" {
			for seed, path := range []string{"run.txt", "again.txt", "bench/results/run-1.txt", "bench/results/run-2.txt"} {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := results.Write(path, resultstest.Run(uint64(seed))); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Run(name, func(t *testing.T) {
			succeed(t, string(csv[1]), args...)
		})
	}
}

// TestJSONFields checks that the README explains each field of the JSON document.
func TestJSONFields(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal([]byte(succeed(t, "", "compare", "-json")), &document); err != nil {
		t.Fatal(err)
	}
	var check func(value any)
	check = func(value any) {
		switch value := value.(type) {
		case []any:
			check(value[0])
		case map[string]any:
			for name, value := range value {
				if !regexp.MustCompile("` *" + name + "`").Match(readme) {
					t.Errorf("README.md does not explain the field %s", name)
				}
				check(value)
			}
		}
	}
	check(document)
}

// TestManyDecisions: if there are many decisions, the JSON document has only their totals, and with -decisions each
// decision.
func TestManyDecisions(t *testing.T) {
	var csv strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&csv, "%dms\n", i)
	}
	type document struct {
		LeftOut bool `json:"decisions_left_out"`
		Traces  []struct {
			Algorithms []struct {
				Totals    struct{ Requests int }
				Decisions []any
			}
		}
	}
	parsed := func(stdout string) (d document) {
		if err := json.Unmarshal([]byte(stdout), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	args := []string{"compare", "-trace", "-", "-json"}
	code, stdout, stderr := bench(t, csv.String(), args...)
	d := parsed(stdout)
	if a := d.Traces[0].Algorithms[0]; code != 0 || !d.LeftOut || a.Totals.Requests != 3000 || len(a.Decisions) != 0 ||
		stderr != "bench: the JSON leaves out 12,000 decisions; -decisions includes them\n" {
		t.Errorf("exit code %d, stderr %q, %+v", code, stderr, d)
	}
	if d := parsed(succeed(t, csv.String(), append(args, "-decisions")...)); d.LeftOut || len(d.Traces[0].Algorithms[3].Decisions) != 3000 {
		t.Error("the decisions that were asked for are not there")
	}
}

// TestOnServer: on the user's own server the decisions are the same, no key is left, and keys that were there before are
// unchanged.
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

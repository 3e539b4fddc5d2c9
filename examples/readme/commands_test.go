package readme_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown names the test, or the script of CI, that runs the commands of the pages, by the beginning of a command.
var shown = []struct{ command, file, by string }{
	{"redis-cli ", "bench/suites/conformance/stored_test.go", "func TestSessions("},
	{"go get github.com/go-weir/weir", "bench/suites/install/install_test.go", "func TestGetAlone("},
	{"go run ./bench compare", "bench/main_test.go", "func TestExamples("},
	{"go run ./bench measure", "bench/main_test.go", "func TestExamples("},
	{"go run ./bench report", "bench/main_test.go", "func TestExamples("},
	{"go run ./bench demo", "bench/main_test.go", "func TestExamples("},
	{"go run ./bench/test", ".ci/run", "go run ./bench/test -race"},
	{"go run ./bench/instructions", ".ci/run", "./bench/instructions -servers"},
	{"go run ./bench/prove", ".ci/full", "go run ./bench/prove"},
	{"go run ./bench/flood", "bench/flood/flood_test.go", "func TestFlood("},
	{"go run ./examples/hello", "examples/hello/main_test.go", "func TestGreeter("},
	{"go run ./examples/apikeys", "examples/apikeys/readme_test.go", "func TestReadme("},
	{"go list -m all", "bench/suites/install/install_test.go", `"go", "list", "-m", "all"`},
}

var (
	inline = regexp.MustCompile("`((?:go|redis-cli) [^`]+)`")
	folder = regexp.MustCompile(`\./([\w./-]+?)(/\.\.\.)?(?: |$)`)
	chosen = regexp.MustCompile(`-(bench|run) ([\w]+)`)
)

// commands returns the commands that a page shows: in blocks, and in its sentences.
func commands(text string) (found []string) {
	for line := range strings.Lines(blocks(text, "")) {
		found = append(found, strings.TrimSpace(line))
	}
	for line := range strings.Lines(blocks(text, "console")) { // with its output
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			found = append(found, strings.TrimSpace(command))
		}
	}
	for _, match := range inline.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		found = append(found, match[1])
	}
	return found
}

// TestCommands checks that each command is one of shown, and that each test or benchmark that a command names exists.
func TestCommands(t *testing.T) {
	for _, p := range pages(t) {
		if p.path == "docs/articles.md" {
			continue // has a test of its own, as its commands need a service in Django
		}
		for _, command := range commands(p.text) {
			if strings.HasPrefix(command, "go test ") {
				testExists(t, p.path, command)
				continue
			}
			known := false
			for _, s := range shown {
				known = known || strings.HasPrefix(command, s.command)
			}
			if !known {
				t.Errorf("%s shows the command %s, which is not in the list of commands that tests run", p.path, command)
			}
		}
	}
	for _, s := range shown {
		if !strings.Contains(read(t, filepath.Join(root, s.file)), s.by) {
			t.Errorf("%s: %s has no %s", s.command, s.file, s.by)
		}
	}
}

// testExists checks that the folder of a go test command exists and has a test or benchmark of that name.
func testExists(t *testing.T, path, command string) {
	t.Helper()
	match := folder.FindStringSubmatch(command)
	if match == nil {
		if strings.Contains(command, "./...") {
			return
		}
		t.Errorf("%s: %s names no folder", path, command)
		return
	}
	dir := filepath.Join(root, match[1])
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("%s: %s: %v", path, command, err)
		return
	}
	for _, choice := range chosen.FindAllStringSubmatch(command, -1) {
		prefix := map[string]string{"bench": "Benchmark", "run": "Test"}[choice[1]]
		if !hasFunc(t, dir, match[2] != "", prefix, strings.TrimPrefix(choice[2], prefix)) {
			t.Errorf("%s: %s chooses no %s", path, command, prefix)
		}
	}
}

// hasFunc reports whether a test file of the folder has a function whose name begins with prefix and contains part.
func hasFunc(t *testing.T, dir string, below bool, prefix, part string) bool {
	t.Helper()
	files, err := filepath.Glob(dir + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if below {
		deeper, err := filepath.Glob(dir + "/*/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, deeper...)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for name := range functions(parsed) {
			if strings.HasPrefix(name, prefix) && strings.Contains(name, part) {
				return true
			}
		}
	}
	return false
}

// functions returns the names of a file's functions.
func functions(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
			names[f.Name.Name] = true
		}
	}
	return names
}

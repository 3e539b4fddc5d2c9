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

// shown names the test, or the script of CI, that runs the commands of the pages, by the first words of a command.
var shown = []struct{ command, file, by string }{
	{"redis-cli", "bench/suites/conformance/stored_test.go", "func TestSessions("},
	{"go get", "bench/suites/install/install_test.go", "func TestGetAlone("},
	{"go install", "bench/suites/install/install_test.go", "func TestInstall("},
	{"go build -o weir-bench ./bench", "bench/suites/install/install_test.go", "func TestInstall("},
	{"go build -o /tmp/replicas ./examples/replicas", "bench/suites/replicas/replicas_test.go", "func TestReplicas("},
	{"go mod tidy", "bench/internal/modules/modules_test.go", "func TestTidy("},
	{"go generate ./scripts", "scripts/contract_test.go", "func TestGenerated("},
	{"go run ./bench", "bench/main_test.go", "func TestExamples("},
	{"go run ./bench/test", ".ci/run", "go run ./bench/test -race"},
	{"go run ./bench/release", ".ci/run", "go run -race ./bench/release"},
	{"go run ./bench/instructions", ".ci/run", "./bench/instructions -servers"},
	{"go run ./bench/prove", ".ci/full", "go run ./bench/prove"},
	{"go run ./bench/fuzz", ".ci/full", "go run ./bench/fuzz"},
	{"go run ./bench/mutate", "bench/mutate/main_test.go", "func TestList("},
	{"go run ./bench/flood", "bench/flood/flood_test.go", "func TestFlood("},
	{"go run ./examples/hello", "examples/hello/main_test.go", "func TestGreeter("},
	{"go run ./examples/apikeys", "examples/apikeys/readme_test.go", "func TestReadme("},
	{"go run ./examples/replicas", "bench/suites/replicas/replicas_test.go", "func TestReplicas("},
	{"go list -m all", "bench/suites/install/install_test.go", `"go", "list", "-m", "all"`},
}

// others are pages besides the README and docs. Only commands of go and redis-cli are looked for there, as tests of their own run
// the sessions that they show.
var others = []string{
	"CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md", "examples/README.md", "examples/apikeys/README.md",
	"examples/django/README.md", "examples/replicas/README.md", "grpclimit/README.md", "scripts/README.md",
}

var (
	inline   = regexp.MustCompile("`((?:go|redis-cli) [^`]+)`")
	indented = regexp.MustCompile(`(?m)^    (go .+)$`)
	folder   = regexp.MustCompile(`\./([\w./-]+?)(/\.\.\.)?(?: |$)`)
	chosen   = regexp.MustCompile(`-(bench|run) ([\w]+)`)
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
			continue // it has a test in bench/suites/django, as its commands need a service in Django
		}
		for _, command := range commands(p.text) {
			checkCommand(t, p.path, command)
		}
	}
	for _, path := range others {
		text := read(t, filepath.Join(root, path))
		all := commands(text)
		for _, match := range indented.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			all = append(all, match[1])
		}
		for _, command := range all {
			if words := strings.Fields(command); len(words) > 2 && (words[0] == "go" || words[0] == "redis-cli") {
				checkCommand(t, path, command)
			}
		}
	}
	for _, s := range shown {
		if !strings.Contains(read(t, filepath.Join(root, s.file)), s.by) {
			t.Errorf("%s: %s has no %s", s.command, s.file, s.by)
		}
	}
}

// checkCommand checks that a command of a page is run by a test.
func checkCommand(t *testing.T, path, command string) {
	t.Helper()
	if strings.HasPrefix(command, "go test ") {
		testExists(t, path, command)
		return
	}
	for _, s := range shown {
		if strings.HasPrefix(command+" ", s.command+" ") {
			return
		}
	}
	t.Errorf("%s shows the command %s, which is not in the list of commands that tests run", path, command)
}

// testExists checks that the folder of a go test command exists and has a test or benchmark of that name.
func testExists(t *testing.T, path, command string) {
	t.Helper()
	if strings.Contains(command, " ./...") {
		return
	}
	dir, below := filepath.Join(root, filepath.Dir(path)), false // a command without a folder is for that of the page
	if match := folder.FindStringSubmatch(command); match != nil {
		dir, below = filepath.Join(root, match[1]), match[2] != ""
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("%s: %s: %v", path, command, err)
		return
	}
	for _, choice := range chosen.FindAllStringSubmatch(command, -1) {
		prefix := map[string]string{"bench": "Benchmark", "run": "Test"}[choice[1]]
		if !hasFunc(t, dir, below, prefix, strings.TrimPrefix(choice[2], prefix)) {
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

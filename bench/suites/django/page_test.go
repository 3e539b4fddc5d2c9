package django_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPage checks that tests run each command of docs/articles.md. TestExamples of the program bench reads the page and runs
// the commands of bench, except those that need this service.
func TestPage(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(repository, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("docs/articles.md")
	// TestDjango runs the commands of the first page, and a test in examples/apikeys those of the second.
	shown := read(example+"/README.md") + read("examples/apikeys/README.md")
	commands := regexp.MustCompile("`((?:go|curl) [^`]*)`").FindAllStringSubmatch(page, -1)
	commands = append(commands, regexp.MustCompile(`(?m)^((?:sudo|API_KEYS=).*)$`).FindAllStringSubmatch(page, -1)...)
	if len(commands) < 15 {
		t.Errorf("found %d commands, want more", len(commands))
	}
	for _, match := range commands {
		command := match[1]
		switch test, isTest := strings.CutPrefix(command, "go test -v ./"); {
		case isTest:
			if files, err := filepath.Glob(filepath.Join(repository, test, "*_test.go")); err != nil || len(files) == 0 {
				t.Errorf("%s: there are no tests (%v)", command, err)
			}
		case strings.HasPrefix(command, "go run ./bench ") && !strings.Contains(command, "127.0.0.1:8000"):
		case !strings.Contains(shown, "\n"+command+"\n") && !strings.Contains(shown, "\n$ "+command+"\n"):
			t.Errorf("no test runs %s", command)
		}
	}
}

// Package readme_test holds the code of the repository's README: each block there is a part of an
// Example here, so that it compiles and does what is said.
package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
		shown[block[1]] = true
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, part, found := strings.Cut(string(source), "\t// README\n")
		part, _, _ = strings.Cut(part, "\t// end of README\n")
		if !found || strings.Contains(part, "goBlock") {
			continue
		}
		parts++
		if code := regexp.MustCompile(`(?m)^\t`).ReplaceAllString(part, ""); !shown[code] {
			t.Errorf("README.md does not show the part of %s:\n%s", file, code)
		}
	}
	if parts != len(shown) || parts == 0 {
		t.Errorf("%d blocks of Go in README.md, %d parts of Examples", len(shown), parts)
	}
}

package grpclimit_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme: the README shows the same code as the Examples, so that it compiles and works.
func TestReadme(t *testing.T) {
	readme, examples := string(must(os.ReadFile("README.md"))), string(must(os.ReadFile("example_test.go")))
	var shown, parts []string
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		shown = append(shown, block[1])
	}
	for _, part := range regexp.MustCompile(`(?s)(\t+)// README\n(.*?)\t+// end of README\n`).FindAllStringSubmatch(examples, -1) {
		parts = append(parts, regexp.MustCompile("(?m)^"+part[1]).ReplaceAllString(part[2], ""))
	}
	if len(parts) == 0 || strings.Join(shown, "---\n") != strings.Join(parts, "---\n") {
		t.Errorf("README.md shows\n%s\nwant what the Examples do:\n%s", shown, parts)
	}
}

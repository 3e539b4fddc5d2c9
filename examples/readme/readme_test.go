// Package readme_test holds the code of the repository's README and of the pages in docs. Each block of Go there is a whole
// file of a folder of examples, or a part of an Example here. So it compiles and does what is said.
package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A page is a text of the repository's, by its path from the root.
type page struct{ path, text string }

const root = "../.."

// pages returns the README and the pages of docs.
func pages(t *testing.T) (all []page) {
	t.Helper()
	paths, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 5 {
		t.Fatalf("the pages of docs are %q", paths)
	}
	for _, path := range append(paths, root+"/README.md") {
		all = append(all, page{strings.TrimPrefix(filepath.ToSlash(path), root+"/"), read(t, path)})
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence  = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	part   = regexp.MustCompile(`(?s)\t// (docs/\w+\.md)\n(.*?)\t// end of docs/\w+\.md\n`)
	indent = regexp.MustCompile(`(?m)^\t`)
)

// blocks returns what stands in the blocks of a page that have that word behind their fence.
func blocks(text, word string) string {
	var all strings.Builder
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		if block[1] == word {
			all.WriteString(block[2])
		}
	}
	return all.String()
}

// TestCode checks that each block of Go is a tested file or a part of one, and that each part is shown on its page.
func TestCode(t *testing.T) {
	sources, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string][]string{} // the code of each page
	for _, source := range sources {
		text := read(t, source)
		tested["README.md"] = append(tested["README.md"], text)
		if strings.HasSuffix(source, "readme_test.go") {
			continue
		}
		for _, match := range part.FindAllStringSubmatch(text, -1) {
			tested[match[1]] = append(tested[match[1]], indent.ReplaceAllString(match[2], ""))
		}
	}
	for _, p := range pages(t) {
		parts := 0
		for _, block := range fence.FindAllStringSubmatch(p.text, -1) {
			if block[1] != "go" {
				continue
			}
			parts++
			if !slices.Contains(tested[p.path], block[2]) {
				t.Errorf("%s shows Go that no test runs:\n%s", p.path, block[2])
			}
		}
		if p.path == "README.md" {
			if parts == 0 {
				t.Error("README.md shows no Go")
			}
		} else if len(tested[p.path]) != parts {
			t.Errorf("%s shows %d blocks of Go, and %d parts are for it", p.path, parts, len(tested[p.path]))
		}
	}
}

// TestAnswerFirst checks that each page of docs begins with a title and a paragraph of at most three lines, the answer.
func TestAnswerFirst(t *testing.T) {
	for _, p := range pages(t) {
		paragraphs := strings.Split(p.text, "\n\n")
		if p.path == "README.md" {
			continue
		}
		if title, answer := paragraphs[0], paragraphs[1]; !strings.HasPrefix(title, "# ") || strings.Count(answer, "\n") > 2 || len(answer) < 200 {
			t.Errorf("%s: want a title, and then an answer of at most three lines and at least 200 bytes; it begins with\n%s\n\n%s", p.path, title, answer)
		}
	}
}

// TestReadmeIsShort checks that the README shows code early and is short.
func TestReadmeIsShort(t *testing.T) {
	text := read(t, root+"/README.md")
	before, _, found := strings.Cut(text, "```go\n")
	if lines := strings.Count(before, "\n") + 1; !found || lines > 40 {
		t.Errorf("the first Go of README.md is in line %d, want 40 at most", lines)
	}
	if lines := strings.Count(text, "\n"); lines >= 150 {
		t.Errorf("README.md has %d lines, want less than 150", lines)
	}
}

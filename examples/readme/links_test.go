package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// TestLinks checks that the files and headings exist to which a page links in the repository.
func TestLinks(t *testing.T) {
	links := 0
	for _, p := range append(pages(t), page{"CONTRIBUTING.md", read(t, root+"/CONTRIBUTING.md")}, page{"examples/README.md", read(t, "../README.md")}) {
		for _, match := range link.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
			target, fragment, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			links++
			path := filepath.Join(root, filepath.Dir(p.path), target)
			if target == "" {
				path = filepath.Join(root, p.path)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s: %v", p.path, match[1], err)
			} else if fragment != "" && !slices.Contains(anchors(t, path), fragment) {
				t.Errorf("%s links to %s, which has no such heading", p.path, match[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("%d links found", links)
	}
}

// anchors returns the fragments by which GitHub names the headings of a page.
func anchors(t *testing.T, path string) (fragments []string) {
	t.Helper()
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(read(t, path), ""), -1) {
		lower := strings.ToLower(match[1])
		fragments = append(fragments, strings.ReplaceAll(regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(lower, ""), " ", "-"))
	}
	return fragments
}

package scripts_test

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/scripts"
)

var (
	command = regexp.MustCompile(`redis\.p?call\(["']([A-Za-z]+)`)
	rights  = regexp.MustCompile("(?m)^\\| (.*) \\| `(\\+[a-z +]+)` \\|$")
	glob    = regexp.MustCompile("`([a-z_*]+)`")
)

// TestRights: a row of the table in docs/operating.md names exactly the commands that its scripts call. A script belongs to the
// last row whose first cell has a pattern that its name matches, and else to the first row.
func TestRights(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := rights.FindAllStringSubmatch(string(page), -1)
	if len(rows) == 0 {
		t.Fatal("docs/operating.md has no table of rights")
	}
	called := make([][]string, len(rows))
	for _, s := range scripts.All() {
		at := 0
		for i, row := range rows {
			for _, pattern := range glob.FindAllStringSubmatch(row[1], -1) {
				if ok, err := path.Match(pattern[1], s.Name()); err != nil {
					t.Fatal(err)
				} else if ok {
					at = i
				}
			}
		}
		for _, match := range command.FindAllStringSubmatch(s.Source(), -1) {
			called[at] = append(called[at], "+"+strings.ToLower(match[1]))
		}
	}
	for i, row := range rows {
		want := slices.Concat(called[i], []string{"+evalsha", "+eval"})
		slices.Sort(want)
		want = slices.Compact(want)
		got := strings.Fields(row[2])
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("docs/operating.md names for %s\n%s\nand the scripts call\n%s", row[1], got, want)
		}
	}
	if user := "-@all " + rows[0][2]; !strings.Contains(string(page), user+"\n") {
		t.Errorf("docs/operating.md makes no user with %q", user)
	}
	for _, runner := range []string{"goredisrunner", "rueidisrunner"} {
		if source, err := os.ReadFile(runner + "/runner.go"); err != nil || !strings.Contains(string(source), rows[0][2]) {
			t.Errorf("the package comment of %s doesn't name %q: %v", runner, rows[0][2], err)
		}
	}
}

package conformance_test

import (
	"os"
	"strings"
	"testing"
)

// TestBoundedTwice: both runners have the same file that ends calls with their contexts. They are separate modules, which can't share an
// internal package.
func TestBoundedTwice(t *testing.T) {
	texts := map[string]string{}
	for _, runner := range []string{"goredisrunner", "rueidisrunner"} {
		source, err := os.ReadFile("../../../scripts/" + runner + "/bounded.go")
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.ReplaceAll(string(source), runner, "RUNNER")] = runner
	}
	if len(texts) != 1 {
		t.Error("scripts/goredisrunner/bounded.go and scripts/rueidisrunner/bounded.go differ in more than the package's name")
	}
}

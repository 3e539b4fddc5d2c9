package conformance_test

import (
	"os"
	"strings"
	"testing"
)

// TestBoundedTwice: both runners end calls with their contexts in the same way. They are modules of their own, which share no
// internal package, so that the file stands twice.
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

package proof

import (
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/verify"
)

// TestReport: each case is described in the file of its group, and counted once in the overview and in the total.
func TestReport(t *testing.T) {
	var results []Result
	seen := map[string]bool{}
	for _, group := range Groups() {
		for _, c := range group.Cases {
			if seen[c.Name] {
				t.Errorf("two cases are named %q", c.Name)
			}
			seen[c.Name] = true
			row := Row{Findings: verify.Findings{Decisions: 2}}
			results = append(results, Result{Case: c, Outcomes: []Outcome{{Rows: []Row{row}}}})
		}
	}
	report := NewReport(results)
	if report.Cases() != len(seen) || report.Total().Decisions != int64(2*len(seen)) {
		t.Errorf("%d cases with %d decisions, want %d with twice as many", report.Cases(), report.Total().Decisions, len(seen))
	}
	overview := report.Overview("PROOF")
	for _, group := range Groups() {
		if !strings.Contains(overview, "(PROOF/"+group.Name+".md)") {
			t.Errorf("the overview doesn't link to %s:\n%s", group.Name, overview)
		}
		for _, c := range group.Cases {
			if text := report.Files()[group.Name+".md"]; !strings.Contains(text, "| "+c.Name+" | 2 |") || !strings.Contains(text, "\n## "+c.Name+"\n") {
				t.Errorf("the file of %s doesn't tell of %q", group.Name, c.Name)
			}
		}
	}
}

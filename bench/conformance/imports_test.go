package conformance_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const weir = "github.com/go-weir/weir"

// TestImports holds the root module's shipped packages to the standard library and to arrows that
// point one way: algorithms and scripts know nobody, an algorithm knows those two, and a middleware knows
// limiters by their interface only.
func TestImports(t *testing.T) {
	list := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	room := []string{"algorithms", "scripts", "internal/emission", "internal/local", "internal/remote"}
	mayImport := map[string][]string{
		"algorithms":        {},
		"scripts":           {},
		"fixedwindow":       room,
		"slidinglog":        room,
		"gcra":              room,
		"leakybucket":       room,
		"httplimit":         {"algorithms", "internal/gate"},
		"internal/emission": {"algorithms"},
		"internal/gate":     {"algorithms"},
		"internal/local":    {"algorithms"},
		"internal/remote":   {"algorithms", "scripts"},
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		allowed, shipped := mayImport[strings.TrimPrefix(fields[0], weir+"/")]
		if !shipped {
			continue // test helpers
		}
		seen++
		for _, imported := range fields[1:] {
			own, ofWeir := strings.CutPrefix(imported, weir+"/")
			first, _, _ := strings.Cut(imported, "/")
			if ofWeir && !slices.Contains(allowed, own) || !ofWeir && strings.Contains(first, ".") {
				t.Errorf("%s imports %s", fields[0], imported)
			}
		}
	}
	if seen != len(mayImport) {
		t.Errorf("%d packages found, want %d", seen, len(mayImport))
	}
}

package conformance_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const weir = "github.com/go-weir/weir"

// TestImports checks that the root module's shipped packages import only the standard library and each other, in one
// direction: from the middleware and the algorithms to package algorithms, and from there to the scripts.
func TestImports(t *testing.T) {
	algorithm := []string{"algorithms", "scripts", "internal/local", "internal/option", "internal/rule"}
	bucket := append([]string{"internal/emission"}, algorithm...)
	mayImport := map[string][]string{
		"internal/sentinel":      {},
		"internal/option":        {"internal/sentinel"},
		"scripts":                {"internal/option"},
		"scripts/coalesce":       {"scripts", "internal/option", "internal/sentinel"},
		"internal/rule":          {"scripts"},
		"internal/remote":        {"scripts", "internal/option", "internal/sentinel"},
		"internal/local":         {"internal/rule"},
		"internal/emission":      {"internal/rule"},
		"algorithms":             {"scripts", "internal/joint", "internal/option", "internal/remote", "internal/rule", "internal/sentinel", "internal/sharing"},
		"algorithms/allof":       {"algorithms", "scripts", "internal/joint", "internal/local", "internal/option", "internal/rule"},
		"algorithms/fallback":    {"algorithms", "internal/ask", "internal/breaker", "internal/option", "internal/outage"},
		"internal/ask":           {"algorithms", "algorithms/allof", "scripts", "scripts/coalesce"},
		"internal/breaker":       {"internal/ask"},
		"internal/outage":        {},
		"internal/sharing":       {},
		"internal/joint":         {"scripts", "internal/option", "internal/remote", "internal/rule"},
		"algorithms/denialcache": {"algorithms", "internal/option"},
		"fixedwindow":            algorithm,
		"slidinglog":             algorithm,
		"gcra":                   bucket,
		"leakybucket":            append([]string{"internal/remote"}, bucket...),
		"inflight":               {"algorithms", "scripts", "internal/local", "internal/option", "internal/remote"},
		"httplimit":              {"algorithms", "algorithms/allof", "inflight", "internal/ask", "internal/breaker", "internal/option", "internal/outage", "internal/sharing"},
	}
	seen := 0
	for _, fields := range importsIn(t, "../../..") {
		allowed, shipped := mayImport[strings.TrimPrefix(fields[0], weir+"/")]
		if !shipped {
			continue // a test helper
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

// TestModulesStandAlone: shipped packages of a module import no internal package of another module. Modules are released and
// upgraded one by one, and an internal package may change in every release.
func TestModulesStandAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]string{} // folders by path
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		modules[path] = dir
	}
	if len(modules) < 8 || modules[weir] == "" {
		t.Fatalf("the workspace has the modules %v, want all of Weir's", modules)
	}
	for module, dir := range modules {
		for _, fields := range importsIn(t, dir) {
			for _, imported := range fields[1:] {
				internal := strings.Contains(imported+"/", "/internal/")
				if owner := moduleOf(imported, modules); internal && owner != "" && owner != module {
					t.Errorf("%s of module %s imports %s of module %s", fields[0], module, imported, owner)
				}
			}
		}
	}
}

// importsIn returns, for each package of the module in a folder, its path followed by the paths of the packages that it
// imports. The imports of its tests don't count.
func importsIn(t *testing.T, dir string) (all [][]string) {
	t.Helper()
	list := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	for line := range strings.Lines(string(out)) {
		all = append(all, strings.Fields(line))
	}
	if len(all) == 0 {
		t.Fatalf("%s: no packages", dir)
	}
	return all
}

// moduleOf returns the module of a package: of the modules whose path is a prefix of the package's path, the one with the
// longest path.
func moduleOf(path string, modules map[string]string) (longest string) {
	for module := range modules {
		if strings.HasPrefix(path+"/", module+"/") && len(module) > len(longest) {
			longest = module
		}
	}
	return longest
}

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tests are the arguments of go test for each script that a mutant may change. The tests of first run before these.
var tests = map[string][]string{
	"allof":            {"-run", "TestOrder|TestReplyForm|TestStoresAlike|TestReset|TestWrongContent|TestRefusedWrites", "./algorithms/allof", "-rapid.nofailfile"},
	"fixedwindow":      {"-run", "TestConformance|TestAligned", "./fixedwindow"},
	"gcra":             {"-run", "TestConformance", "./gcra"},
	"inflight_acquire": {"-run", "TestRemote", "./inflight"},
	"inflight_renew":   {"-run", "TestRemote", "./inflight"},
	"inflight_release": {"-run", "TestRemote", "./inflight"},
	"inflight":         {"-run", "TestRemote", "./inflight"}, // the script inflight_peek
	"queue":            {"-run", "TestQueue", "./leakybucket"},
	"queue_cancel":     {"-run", "TestQueue", "./leakybucket"},
	"reset":            {"-run", "TestConformance", "./gcra"},
	"slidinglog":       {"-run", "TestConformance|TestWidths|TestIdle", "./slidinglog"},
}

// first are the arguments of go test for every mutant.
var first = []string{"-run", "TestStored|TestLivesInUse|TestPeekClock|TestForeignState|TestFarAhead|TestMany|TestLargeCounts|TestTrims|TestLogWithoutTTL|TestQueueCancel|TestInflight|TestSettlings|TestForeignCount", "./scripts"}

// A workshop generates scripts from broken fragments, in a temporary directory.
type workshop struct {
	root, dir string
	sound     map[string]string // the scripts of the unchanged fragments, by file name
}

func newWorkshop(root string) (*workshop, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	w := &workshop{root: root, dir: dir}
	if output, err := w.command("go", "build", "-o", w.generator(), "./scripts/internal/assemble/generate").CombinedOutput(); err != nil {
		w.close()
		return nil, fmt.Errorf("the generator: %w\n%s", err, output)
	}
	if w.sound, err = w.generate("", ""); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) close() { _ = os.RemoveAll(w.dir) }

func (w *workshop) generator() string { return filepath.Join(w.dir, "generate") }

func (w *workshop) source(fragment string) string {
	return filepath.Join(w.root, "scripts", "src", fragment+".tmpl")
}

// fragments returns the names of all files of fragments.
func (w *workshop) fragments() (names []string) {
	files, _ := filepath.Glob(w.source("*")) // the pattern is well formed
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".tmpl"))
	}
	return names
}

// mutants returns the mutants of a fragment that change a script.
func (w *workshop) mutants(fragment string) ([]mutant, error) {
	text, err := os.ReadFile(w.source(fragment))
	if err != nil {
		return nil, fmt.Errorf("%w, want some of %v", err, w.fragments())
	}
	var mutants []mutant
	for _, m := range mutantsOf(fragment, string(text)) {
		scripts, err := w.generate(fragment, m.text)
		if err != nil {
			return nil, err
		}
		if !maps.Equal(scripts, w.sound) {
			mutants = append(mutants, m)
		}
	}
	return mutants, nil
}

// generate returns the scripts by file name, generated with text as the content of a fragment. If fragment is "", all
// fragments are unchanged.
func (w *workshop) generate(fragment, text string) (map[string]string, error) {
	dir, err := os.MkdirTemp(w.dir, "scripts")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	src := filepath.Join(dir, "src")
	if err := os.CopyFS(src, os.DirFS(filepath.Dir(w.source("")))); err != nil {
		return nil, err
	}
	if fragment != "" {
		if err := os.WriteFile(filepath.Join(src, fragment+".tmpl"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	command := exec.Command(w.generator())
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making the scripts: %w\n%s", err, output)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.lua"))
	if err != nil {
		return nil, err
	}
	scripts := map[string]string{}
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		scripts[filepath.Base(file)] = string(script)
	}
	return scripts, nil
}

// try runs the tests with the scripts of a mutant, and returns the most deeply nested test that failed, or "" if none did.
func (w *workshop) try(m mutant) (by string, err error) {
	scripts, err := w.generate(m.fragment, m.text)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(w.dir, "mutant")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	replaced, runs := map[string]string{}, [][]string{first}
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		if scripts[name] == w.sound[name] {
			continue
		}
		broken := filepath.Join(dir, name)
		if err := os.WriteFile(broken, []byte(scripts[name]), 0o600); err != nil {
			return "", err
		}
		replaced[filepath.Join(w.root, "scripts", name)] = broken
		runs = append(runs, testsOf(name))
	}
	overlay := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": replaced})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", err
	}
	for i, args := range runs {
		if slices.ContainsFunc(runs[:i], func(earlier []string) bool { return slices.Equal(earlier, args) }) {
			continue
		}
		if by, err := w.test(overlay, args); by != "" || err != nil {
			return by, err
		}
	}
	return "", nil
}

// testsOf returns the arguments of go test for a script's file.
func testsOf(name string) []string {
	algorithm, many := strings.CutSuffix(strings.TrimSuffix(name, ".lua"), "_many")
	if many {
		return []string{"-run", "TestCoalescedDecisions", "./scripts/coalesce"}
	}
	if algorithm, settles := cutAny(algorithm, "_most", "_reserve", "_settle"); settles {
		return []string{"-run", "TestSettlements/(miniredis|Alike)|TestHistories", "./" + algorithm}
	}
	return tests[strings.TrimSuffix(strings.TrimSuffix(algorithm, "_peek"), "_reset")]
}

// cutAny returns text without the first of the suffixes that it ends with, and whether it ends with one.
func cutAny(text string, suffixes ...string) (string, bool) {
	for _, suffix := range suffixes {
		if before, found := strings.CutSuffix(text, suffix); found {
			return before, true
		}
	}
	return text, false
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// test runs tests and returns the most deeply nested one that failed, or "" if none did.
func (w *workshop) test(overlay string, args []string) (by string, err error) {
	output, err := w.command("go", append([]string{"test", "-failfast", "-timeout", "60s", "-overlay", overlay}, args...)...).CombinedOutput()
	if err == nil {
		return "", nil
	}
	if strings.Contains(string(output), "[build failed]") {
		return "", fmt.Errorf("the tests don't build:\n%s", output)
	}
	by = "a crash or the time limit"
	for _, failed := range failedTest.FindAllStringSubmatch(string(output), -1) {
		by = failed[1] // the last is the most deeply nested one of its package
	}
	return by, nil
}

// command returns a command that runs at the root of the repository.
func (w *workshop) command(name string, args ...string) *exec.Cmd {
	command := exec.Command(name, args...)
	command.Dir = w.root
	return command
}

// Mutate breaks the Lua scripts, one place at a time, and runs the tests over each broken script: a
// mutant that no test catches shows a line that nothing proves.
//
//	go run ./bench/mutate                      # every script: some minutes
//	go run ./bench/mutate gcra queue           # these
//	go run ./bench/mutate -list                # what would be tried
//
// The tree stays as it is: tests are built with -overlay. The tests that compare a script with its fragments or its SHA1
// are left out; they would catch anything. Of the scripts for many requests one is broken: they differ in the chunks that
// they share with the scripts for one.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// packages are the tests that a mutant of each script is run against, after those of what it stores.
var packages = map[string][]string{
	"gcra":        {"-run", "TestConformance", "./gcra"},
	"queue":       {"-run", "TestQueueConformance", "./leakybucket"},
	"fixedwindow": {"-run", "TestConformance|TestAligned", "./fixedwindow"},
	"slidinglog":  {"-run", "TestConformance|TestWidths|TestIdle", "./slidinglog"},
	"reset":       {"-run", "TestConformance", "./gcra"},

	"gcra_peek":        {"-run", "TestConformance", "./gcra"},
	"fixedwindow_peek": {"-run", "TestConformance|TestAligned", "./fixedwindow"},
	"slidinglog_peek":  {"-run", "TestConformance|TestWidths|TestIdle", "./slidinglog"},
	"gcra_many":        {"-run", "TestCoalescedDecisions", "./scripts/coalesce"},
}

// order is the order in which they are tried.
var order = []string{
	"gcra", "queue", "fixedwindow", "slidinglog", "reset", "gcra_peek", "fixedwindow_peek", "slidinglog_peek", "gcra_many",
}

// operators are the ways to break a line.
var operators = []struct {
	find    *regexp.Regexp
	replace string
}{
	{regexp.MustCompile(` < `), ` <= `},
	{regexp.MustCompile(` <= `), ` < `},
	{regexp.MustCompile(` > `), ` >= `},
	{regexp.MustCompile(` >= `), ` > `},
	{regexp.MustCompile(` == `), ` ~= `},
	{regexp.MustCompile(` ~= `), ` == `},
	{regexp.MustCompile(` \+ `), ` - `},
	{regexp.MustCompile(` - `), ` + `},
	{regexp.MustCompile(` % `), ` * `},
	{regexp.MustCompile(` and `), ` or `},
	{regexp.MustCompile(` or `), ` and `},
	{regexp.MustCompile(`\bnot `), ``},
	{regexp.MustCompile(`\b1\b`), `2`},
	{regexp.MustCompile(`\b0\b`), `1`},
	{regexp.MustCompile(`\b2 \^ `), `1 ^ `},
	{regexp.MustCompile(`\b(1000|1000000|3600000|100)\b`), `1`},
	{regexp.MustCompile(`math\.ceil`), `math.floor`},
	{regexp.MustCompile(`math\.min`), `math.max`},
	{regexp.MustCompile(`math\.max`), `math.min`},
	{regexp.MustCompile(`'PX'`), `'EX'`},
	{regexp.MustCompile(`^(\s*)redis\.call\(.*\)$`), `$1-- removed`},
	{regexp.MustCompile(`^(\s*)(\w+(?:, \w+)*) = .*$`), `$1-- removed`},
}

// A mutant is a script with one place broken.
type mutant struct {
	script  string
	line    int
	was, is string
	text    string // of the whole script
}

func main() {
	list := flag.Bool("list", false, "print the mutants and run nothing")
	flag.Parse()
	names := flag.Args()
	if len(names) == 0 {
		names = order
	}
	root, err := repository()
	if err != nil {
		fail(err)
	}
	var mutants []mutant
	for _, name := range names {
		if packages[name] == nil {
			fail(fmt.Errorf("no script %q, want some of %v", name, order))
		}
		of, err := mutate(root, name)
		if err != nil {
			fail(err)
		}
		mutants = append(mutants, of...)
	}
	survivors := 0
	for i, m := range mutants {
		if *list {
			fmt.Printf("%s.lua:%d: %s\n\t-> %s\n", m.script, m.line, m.was, m.is)
			continue
		}
		caught, by, err := try(root, m)
		if err != nil {
			fail(err)
		}
		verdict := "caught by " + by
		if !caught {
			survivors++
			verdict = "SURVIVED"
		}
		fmt.Printf("%d/%d %s.lua:%d: %s\n\t-> %s\n\t%s\n", i+1, len(mutants), m.script, m.line, m.was, m.is, verdict)
	}
	if *list {
		fmt.Printf("%d mutants\n", len(mutants))
		return
	}
	fmt.Printf("%d mutants, %d survived\n", len(mutants), survivors)
	if survivors > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutate:", err)
	os.Exit(2)
}

// repository returns the folder with go.work, here or above.
func repository() (string, error) {
	at, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(at, "go.work")); missing == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", errors.New("no go.work here or above: run it inside the repository")
		}
		at = filepath.Dir(at)
	}
	return "", err
}

// mutate returns each way to break one place of a script.
func mutate(root, name string) ([]mutant, error) {
	source, err := os.ReadFile(filepath.Join(root, "scripts", name+".lua"))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(source), "\n")
	var mutants []mutant
	for i, line := range lines {
		code, _, _ := strings.Cut(line, " -- ")
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		for _, op := range operators {
			for _, at := range op.find.FindAllStringIndex(code, -1) {
				broken := code[:at[0]] + op.find.ReplaceAllString(code[at[0]:at[1]], op.replace) + code[at[1]:]
				copied := append([]string(nil), lines...)
				copied[i] = broken
				mutants = append(mutants, mutant{name, i + 1, strings.TrimSpace(code), strings.TrimSpace(broken), strings.Join(copied, "\n")})
			}
		}
	}
	return mutants, nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// try runs the tests over a mutant, and tells the most particular test that failed.
func try(root string, m mutant) (caught bool, by string, err error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return false, "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	broken, overlay := filepath.Join(dir, m.script+".lua"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(broken, []byte(m.text), 0o600); err != nil {
		return false, "", err
	}
	replaced, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(root, "scripts", m.script+".lua"): broken},
	})
	if err != nil {
		return false, "", err
	}
	if err := os.WriteFile(overlay, replaced, 0o600); err != nil {
		return false, "", err
	}
	for _, tests := range append([][]string{{"-run", "TestStored|TestLivesInUse|TestForeignState|TestFarAhead|TestMany", "./scripts"}}, packages[m.script]) {
		by, err := run(root, append([]string{"test", "-failfast", "-timeout", "30s", "-overlay", overlay}, tests...))
		if by != "" || err != nil {
			return by != "", by, err
		}
	}
	return false, "", nil
}

// run runs go with args and returns the most particular test that failed; "" if none did.
func run(root string, args []string) (by string, err error) {
	command := exec.Command("go", args...)
	command.Dir = root
	output, err := command.CombinedOutput()
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

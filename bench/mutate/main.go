// Command mutate is mutation testing for the Lua scripts. It changes one place of one fragment at a time, generates the scripts
// again, and runs the tests of the changed scripts. If no test fails, the mutant survives: the tests don't cover that line.
//
//	go run ./bench/mutate                      # every fragment: an hour or more
//	go run ./bench/mutate gcra tat             # these files of scripts/src
//	go run ./bench/mutate -only 'LINDEX|LTRIM' # mutants of matching lines
//	go run ./bench/mutate -list                # list the mutants without running tests
//
// A change applies to all scripts that contain the fragment. The files of the tree are not changed: tests are built with
// -overlay. The tests that compare a script with its fragments or its SHA1 are left out, because they fail for any change.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

func main() {
	list := flag.Bool("list", false, "print the mutants and run nothing")
	only := flag.String("only", "", "only mutants of lines that match this `regexp`")
	flag.Parse()
	survivors, err := run(flag.Args(), *only, *list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		os.Exit(1)
	}
}

// run tries the mutants of the fragments and returns how many survive.
func run(fragments []string, only string, list bool) (survivors int, err error) {
	lines, err := regexp.Compile(only)
	if err != nil {
		return 0, fmt.Errorf("-only: %w", err)
	}
	root, err := repository()
	if err != nil {
		return 0, err
	}
	w, err := newWorkshop(root)
	if err != nil {
		return 0, err
	}
	defer w.close()
	if len(fragments) == 0 {
		fragments = w.fragments()
	}
	var mutants []mutant
	for _, fragment := range fragments {
		of, err := w.mutants(fragment)
		if err != nil {
			return 0, err
		}
		mutants = append(mutants, slices.DeleteFunc(of, func(m mutant) bool { return !lines.MatchString(m.was) })...)
	}
	for i, m := range mutants {
		fmt.Printf("%d/%d %s.tmpl:%d: %s\n\t-> %s\n", i+1, len(mutants), m.fragment, m.line, m.was, m.is)
		if list {
			continue
		}
		by, err := w.try(m)
		if err != nil {
			return survivors, err
		}
		if by == "" {
			survivors++
			fmt.Println("\tSURVIVED")
		} else {
			fmt.Println("\tcaught by", by)
		}
	}
	if !list {
		fmt.Printf("%d mutants, %d survived\n", len(mutants), survivors)
	}
	return survivors, nil
}

// repository returns the working directory or the nearest folder above it that contains go.work.
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

// Command release checks that the modules of this repository can be released together, and prints the commands to do
// so:
//
//	go run ./bench/release            check
//	go run ./bench/release tidy       tidy every module's go.mod and go.sum, then check
//	go run ./bench/release v0.2.0     make the modules require that version of each other, tidy them, then check
//
// "go mod tidy" and "go get" themselves don't work in a module that requires a version which is not tagged yet, without a
// replacement. Edit the module's go.mod file instead, and tidy it with this command.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/go-weir/weir/bench/internal/modules"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	faults, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(2)
	}
	if faults > 0 {
		os.Exit(1)
	}
}

// run does what args say and returns how many faults the checks have found.
func run(ctx context.Context, args []string, out io.Writer) (faults int, err error) {
	root, err := modules.FindRoot(".")
	if err != nil {
		return 0, err
	}
	tree, err := modules.Load(root)
	if err != nil {
		return 0, err
	}
	switch {
	case len(args) == 0:
	case len(args) > 1:
		return 0, fmt.Errorf("%q: want one word, tidy or a version such as v0.2.0", args)
	case args[0] != "tidy":
		if err := tree.SetVersion(args[0]); err != nil {
			return 0, err
		}
		fallthrough
	default:
		for _, m := range tree.Modules {
			if _, err := tree.Tidy(ctx, m, true); err != nil {
				return 0, err
			}
		}
		if tree, err = modules.Load(root); err != nil {
			return 0, err
		}
	}
	found, err := check(ctx, tree)
	if err != nil {
		return 0, err
	}
	for _, fault := range found {
		fmt.Fprintln(out, fault)
	}
	if len(found) > 0 {
		return len(found), nil
	}
	return 0, recipe(tree, out)
}

// check returns the faults that prevent a release of the tree.
func check(ctx context.Context, tree *modules.Tree) (faults []string, err error) {
	faults = tree.Faults()
	for _, m := range tree.Modules {
		diff, err := tree.Tidy(ctx, m, false)
		if err != nil {
			return nil, err
		}
		if diff != "" {
			faults = append(faults, fmt.Sprintf("%s is not tidy; run: go run ./bench/release tidy\n%s", m.Path, diff))
		}
	}
	text, err := os.ReadFile(filepath.Join(tree.Root, "CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	if version, err := tree.Version(); err == nil { // an error of Version is among the faults already
		if heading := "## [" + strings.TrimPrefix(version, "v") + "]"; !strings.Contains(string(text), "\n"+heading) {
			faults = append(faults, fmt.Sprintf("CHANGELOG.md has no section %q", heading))
		}
	}
	return faults, nil
}

// recipe prints how to release the tree.
func recipe(tree *modules.Tree, out io.Writer) error {
	version, err := tree.Version()
	if err != nil {
		return err
	}
	var tags []string
	for _, m := range tree.Modules {
		tags = append(tags, m.Tag(version))
	}
	fmt.Fprintf(out, "The %d modules can be released as %s. On the commit to release, with CI and .ci/full passed:\n\n", len(tags), version)
	for _, tag := range tags {
		fmt.Fprintf(out, "git tag %s\n", tag)
	}
	fmt.Fprintf(out, "git push origin %s\n", strings.Join(tags, " "))
	return nil
}

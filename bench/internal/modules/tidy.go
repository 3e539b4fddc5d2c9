package modules

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tidy does what "go mod tidy" does for a module that requires versions of the others which are not tagged yet: it looks
// for those in the tree. If write is false, it changes nothing and returns the difference that it would make.
func (t *Tree) Tidy(ctx context.Context, m Module, write bool) (diff string, err error) {
	work, err := os.MkdirTemp("", "weir-tidy-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	dir := t.folder(m)
	before, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	modfile := filepath.Join(work, "go.mod")
	if err := os.WriteFile(modfile, before, 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(work, "go.sum"), sums, 0o600); err != nil {
		return "", err
	}
	var replaced, added []string // what the copy replaces, and how that is taken back
	for _, other := range t.Modules {
		if other.Path == m.Path || m.replaces(other.Path) {
			continue
		}
		inside, err := filepath.Rel(dir, t.folder(other))
		if err != nil {
			return "", err
		}
		replaced = append(replaced, "-replace="+other.Path+"=."+string(filepath.Separator)+inside)
		added = append(added, "-dropreplace="+other.Path)
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil && len(out) == 0 {
			return "", fmt.Errorf("%s: go %s: %w\n%s", m.Path, args[1], err, &said)
		}
		return string(out), nil
	}
	if _, err := run(append(append([]string{"mod", "edit"}, replaced...), modfile)...); err != nil {
		return "", err
	}
	if !write {
		return run("mod", "tidy", "-diff", "-modfile="+modfile)
	}
	if _, err := run("mod", "tidy", "-modfile="+modfile); err != nil {
		return "", err
	}
	if _, err := run(append(append([]string{"mod", "edit"}, added...), modfile)...); err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(work, name))
		if err != nil && !os.IsNotExist(err) {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return "", err
		}
	}
	return "", nil
}

// replaces reports whether the module's own go.mod replaces another.
func (m Module) replaces(modulePath string) bool {
	for _, r := range m.File.Replace {
		if r.Old.Path == modulePath {
			return true
		}
	}
	return false
}

package modules

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tidy does what "go mod tidy" does, for a module that requires versions of the other modules which are not tagged yet. It
// uses the other modules as they are in the tree. If write is false, it changes nothing and returns the difference that it
// would make.
func (t *Tree) Tidy(ctx context.Context, m Module, write bool) (diff string, err error) {
	work, err := os.MkdirTemp("", "weir-tidy-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	dir := t.folder(m)
	if err := copyModFiles(work, dir); err != nil {
		return "", err
	}
	replace, drop, err := t.replacements(m)
	if err != nil {
		return "", err
	}
	modfile := filepath.Join(work, "go.mod")
	edit := func(flags []string) error {
		_, err := m.run(ctx, dir, append(append([]string{"mod", "edit"}, flags...), modfile)...)
		return err
	}
	if err := edit(replace); err != nil {
		return "", err
	}
	if !write {
		return m.run(ctx, dir, "mod", "tidy", "-diff", "-modfile="+modfile)
	}
	if _, err := m.run(ctx, dir, "mod", "tidy", "-modfile="+modfile); err != nil {
		return "", err
	}
	if err := edit(drop); err != nil {
		return "", err
	}
	return "", copyModFiles(dir, work)
}

// copyModFiles copies go.mod, and go.sum if there is one, between folders.
func copyModFiles(to, from string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if name == "go.sum" && os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// replacements returns the flags of "go mod edit" that replace the other modules by their folders in the tree, and the flags
// that undo that.
func (t *Tree) replacements(m Module) (replace, drop []string, err error) {
	for _, other := range t.Modules {
		if other.Path == m.Path || m.replaces(other.Path) {
			continue
		}
		inside, err := filepath.Rel(t.folder(m), t.folder(other))
		if err != nil {
			return nil, nil, err
		}
		replace = append(replace, "-replace="+other.Path+"=."+string(filepath.Separator)+inside)
		drop = append(drop, "-dropreplace="+other.Path)
	}
	return replace, drop, nil
}

// run runs the go command for the module in a folder.
func (m Module) run(ctx context.Context, dir string, args ...string) (string, error) {
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

// replaces reports whether the module's own go.mod replaces the module with that path.
func (m Module) replaces(modulePath string) bool {
	for _, r := range m.File.Replace {
		if r.Old.Path == modulePath {
			return true
		}
	}
	return false
}

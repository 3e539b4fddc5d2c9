package modules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// Version returns the version that the modules require of each other: the one that is about to be tagged, or was tagged
// last.
func (t *Tree) Version() (string, error) {
	var versions []string
	for _, m := range t.Modules {
		for _, r := range m.File.Require {
			if _, own := t.find(r.Mod.Path); own && !slices.Contains(versions, r.Mod.Version) {
				versions = append(versions, r.Mod.Version)
			}
		}
	}
	if len(versions) != 1 {
		return "", fmt.Errorf("the modules require the versions %q of each other, want one", versions)
	}
	return versions[0], nil
}

// Faults returns the faults of the go.mod and go.work files that would keep the modules from being built, in the tree or by
// their users.
func (t *Tree) Faults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	version, err := t.Version()
	if err != nil {
		fault("%v", err)
	}
	here := map[string]string{} // the folders by which go.work replaces modules
	for _, r := range t.Work.Replace {
		if r.Old.Version != version {
			fault("go.work replaces %s %s, want %s, which the modules require", r.Old.Path, r.Old.Version, version)
		}
		here[r.Old.Path] = r.New.Path
	}
	for _, m := range t.Modules {
		for _, r := range m.File.Require {
			own, ok := t.find(r.Mod.Path)
			if ok && filepath.Clean(here[own.Path]) != filepath.Clean(own.Dir) {
				fault("go.work replaces %s by %q, want ./%s: %s requires it", own.Path, here[own.Path], own.Dir, m.Path)
			}
		}
		for _, r := range m.File.Replace {
			if _, own := t.find(r.Old.Path); m.Program() || !own {
				fault("%s replaces %s: its users would not get that replacement, and go install would refuse a program", m.Path, r.Old.Path)
			}
		}
	}
	return faults
}

// SetVersion makes the modules require that version of each other, and makes go.work replace that version.
func (t *Tree) SetVersion(version string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%q is no version, want such as v0.2.0", version)
	}
	for _, m := range t.Modules {
		text, err := t.required(m, version)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(t.folder(m), "go.mod"), text, 0o644); err != nil {
			return err
		}
	}
	var replaced []modfile.Replace // copies, as DropReplace clears the originals
	for _, r := range t.Work.Replace {
		replaced = append(replaced, *r)
	}
	for _, r := range replaced {
		if err := t.Work.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
		if err := t.Work.AddReplace(r.Old.Path, version, r.New.Path, ""); err != nil {
			return err
		}
	}
	t.Work.Cleanup()
	return os.WriteFile(filepath.Join(t.Root, "go.work"), modfile.Format(t.Work.Syntax), 0o644)
}

// required returns the module's go.mod file, changed to require that version of each other module of the tree.
func (t *Tree) required(m Module, version string) ([]byte, error) {
	for _, r := range m.File.Require {
		if _, own := t.find(r.Mod.Path); !own {
			continue
		}
		if err := m.File.AddRequire(r.Mod.Path, version); err != nil {
			return nil, err
		}
	}
	return m.File.Format()
}

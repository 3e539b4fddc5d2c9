// Package modules reads the modules of this repository and the versions that they require of each other. It also writes what
// a module proxy would serve if they were tagged now.
package modules

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// Tree is the repository's modules, as its go.work lists them.
type Tree struct {
	Root    string // the folder that holds go.work
	Work    *modfile.WorkFile
	Modules []Module
}

// Module is one module of the repository.
type Module struct {
	Path string // "github.com/go-weir/weir/grpclimit"
	Dir  string // its folder below the root, with slashes: "grpclimit"; "." for the root module
	File *modfile.File
}

// programs are the folders of the modules that have commands to install and no package to import. "go install" refuses such
// a module if its go.mod file replaces another module.
var programs = []string{"bench", "bench/peers", "examples", "examples/replicas"}

// Program reports whether the module has commands to install and no package to import.
func (m Module) Program() bool {
	for _, dir := range programs {
		if m.Dir == dir {
			return true
		}
	}
	return false
}

// Tag returns the name of the git tag that releases the module's version.
func (m Module) Tag(version string) string {
	return strings.TrimPrefix(path.Join(m.Dir, version), "./")
}

// Load reads the go.work file in root and the go.mod files of all modules that it lists.
func Load(root string) (*Tree, error) {
	name := filepath.Join(root, "go.work")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return nil, err
	}
	t := &Tree{Root: root, Work: work}
	for _, use := range work.Use {
		m := Module{Dir: path.Clean(use.Path)}
		name := filepath.Join(t.folder(m), "go.mod")
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if m.File, err = modfile.Parse(name, text, nil); err != nil {
			return nil, err
		}
		m.Path = m.File.Module.Mod.Path
		t.Modules = append(t.Modules, m)
	}
	return t, nil
}

// FindRoot returns the folder that contains go.work: dir, or the nearest one above it.
func FindRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.work in %s or above: run this in the repository", dir)
		}
	}
}

// folder returns the folder of the module's files.
func (t *Tree) folder(m Module) string { return filepath.Join(t.Root, filepath.FromSlash(m.Dir)) }

// find returns the module with that path.
func (t *Tree) find(modulePath string) (Module, bool) {
	for _, m := range t.Modules {
		if m.Path == modulePath {
			return m, true
		}
	}
	return Module{}, false
}

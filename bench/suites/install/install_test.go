// Package install_test gets the modules of this repository as users do: from a module proxy, into an empty module outside of
// the repository.
package install_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/go-weir/weir/bench/internal/modules"
)

const weir = "github.com/go-weir/weir"

// libraries are the modules that users import, each with files of this repository that use it as a user's program does. The
// files are the code of the README and of docs, or the module's own Examples.
var libraries = map[string][]string{
	weir:                            {"examples/readme/http_test.go", "examples/readme/several_test.go"},
	weir + "/scripts/goredisrunner": {"examples/quickstart/main.go", "examples/quickstart/main_test.go"},
	weir + "/scripts/rueidisrunner": {"examples/readme/rueidis_test.go"},
	weir + "/grpclimit":             {"grpclimit/example_test.go", "grpclimit/server_test.go"},
}

// commands are the programs that users install.
var commands = []string{"/bench", "/bench/peers", "/examples/hello", "/examples/apikeys", "/examples/replicas"}

// compileAll makes TestInstall compile all commands. That takes ten minutes on two cores, because they have many
// dependencies. Without compileAll the test compiles only the first command. For the others it runs go install -n, which
// compiles nothing but finds all packages, and fails where go install would refuse a module.
var compileAll = flag.Bool("compile-all", false, "compile all commands that TestInstall installs")

// A stand is a module proxy with this repository's modules, and a temporary folder for the modules of users.
type stand struct {
	tree     *modules.Tree
	released string // a version of all modules that the proxy has
	next     string // a later version of all modules that the proxy has
	older    []module.Version
	dir      string
	env      []string
}

// newStand makes a proxy with two versions of the modules in the tree, as if they were tagged now: the version that the
// modules require of each other, and a later one. The proxy also has the earlier versions that are tagged.
func newStand(t *testing.T) *stand {
	t.Helper()
	root, err := modules.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{dir: t.TempDir()}
	if s.tree, err = modules.Load(root); err != nil {
		t.Fatal(err)
	}
	if s.released, err = s.tree.Version(); err != nil {
		t.Fatal(err)
	}
	s.next = semver.MajorMinor(s.released) + ".1000000"
	proxy := modules.Proxy(filepath.Join(s.dir, "proxy"))
	for _, version := range []string{s.released, s.next} {
		if err := proxy.Add(s.tree, version); err != nil {
			t.Fatal(err)
		}
	}
	if s.older, err = proxy.AddTagged(s.tree, s.released); err != nil {
		t.Fatal(err)
	}

	// Other people's modules come from the cache of the modules that were downloaded for this repository, or else from the
	// proxies that the go command is set to use. Their checksums were verified at the download to the cache.
	found, err := exec.CommandContext(t.Context(), "go", "env", "GOPROXY", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	goproxy, modcache, _ := strings.Cut(strings.TrimSpace(string(found)), "\n")
	s.env = append(os.Environ(),
		"GOPROXY=file://"+filepath.ToSlash(string(proxy))+",file://"+filepath.ToSlash(modcache)+"/cache/download,"+goproxy,
		"GOMODCACHE="+filepath.Join(s.dir, "modcache"),
		"GOFLAGS=-modcacherw -trimpath", // so that the folder can be removed, and other runs can use what is built
		"GOSUMDB=off", "GOWORK=off", "GOBIN="+filepath.Join(s.dir, "bin"),
	)
	return s
}

// folder makes an empty module in a new folder, and returns the folder.
func (s *stand) folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(s.dir, "user-")
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, dir, "go", "mod", "init", "example.com/app")
	return dir
}

// run runs a command and returns its standard output. The test fails if the command does.
func (s *stand) run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, s.env
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &said)
	}
	return string(out)
}

// use copies files that use a module into the folder.
func (s *stand) use(t *testing.T, dir string, files []string) {
	t.Helper()
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(s.tree.Root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGetAlone: each library can be downloaded alone with go get, and code that uses it builds and runs.
func TestGetAlone(t *testing.T) {
	s := newStand(t)
	for _, m := range s.tree.Modules {
		if m.Program() {
			continue
		}
		files, ok := libraries[m.Path]
		if !ok {
			t.Errorf("no code is known that uses %s", m.Path)
			continue
		}
		t.Run(m.Tag(s.released), func(t *testing.T) {
			dir := s.folder(t)
			s.run(t, dir, "go", "get", m.Path+"@"+s.released)
			s.use(t, dir, files)
			s.run(t, dir, "go", "mod", "tidy")
			t.Logf("go list -m all:\n%s", s.run(t, dir, "go", "list", "-m", "all"))
			if out := s.run(t, dir, "go", "test", "-v", "-run", "^Example", "./..."); !strings.Contains(out, "--- PASS: Example") {
				t.Errorf("no Example has run:\n%s", out)
			}
		})
	}
}

// TestUpgradeAlone: a user can upgrade any one library without the others, and the modules still build together.
func TestUpgradeAlone(t *testing.T) {
	s := newStand(t)
	before := map[string][]string{} // the versions to upgrade from
	for path := range libraries {
		before[path] = []string{s.released}
	}
	for _, old := range s.older {
		if _, ok := libraries[old.Path]; ok {
			before[old.Path] = append(before[old.Path], old.Version)
		}
	}
	for path, files := range libraries {
		if path == weir {
			continue
		}
		for _, old := range before[path] {
			for _, upgraded := range []string{weir, path} {
				t.Run(strings.TrimPrefix(path, weir+"/")+" "+old+", then "+upgraded[len("github.com/"):], func(t *testing.T) {
					dir := s.folder(t)
					s.run(t, dir, "go", "get", path+"@"+old)
					s.use(t, dir, files)
					s.run(t, dir, "go", "mod", "tidy")
					s.run(t, dir, "go", "get", upgraded+"@"+s.next)
					if list := s.run(t, dir, "go", "list", "-m", "all"); !strings.Contains(list, "\n"+weir+" "+s.next+"\n") {
						t.Errorf("the newest root is not used:\n%s", list)
					}
					s.run(t, dir, "go", "vet", "./...") // which compiles the test files too
				})
			}
		}
	}
}

// TestInstall: every command can be installed, and the README's first one runs outside of the repository.
func TestInstall(t *testing.T) {
	s := newStand(t)
	for i, command := range commands {
		args := []string{"install", weir + command + "@" + s.released}
		if i > 0 && !*compileAll {
			args = slices.Insert(args, 1, "-n")
		}
		s.run(t, s.dir, "go", args...)
	}
	out := s.run(t, s.dir, filepath.Join(s.dir, "bin", "bench"), "compare")
	if !strings.Contains(out, "slidinglog") {
		t.Errorf("compare prints\n%s", out)
	}
	programs := slices.DeleteFunc(slices.Clone(s.tree.Modules), func(m modules.Module) bool { return !m.Program() })
	for _, m := range programs {
		if !slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(weir+c, m.Path) }) {
			t.Errorf("no command of %s is installed", m.Path)
		}
	}
}

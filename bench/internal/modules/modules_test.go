package modules

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// repository has the files of a root module, a library that imports it, and a program that imports both.
var repository = map[string]string{
	"go.work": `go 1.23.0

use (
	.
	./lib
	./bench
)

replace (
	example.com/m v0.1.0 => .
	example.com/m/lib v0.1.0 => ./lib
)
`,
	"go.mod":        "module example.com/m\n\ngo 1.23.0\n",
	"m.go":          "package m\n",
	"lib/go.mod":    "module example.com/m/lib\n\ngo 1.23.0\n\nrequire example.com/m v0.1.0\n\nreplace example.com/m => ..\n",
	"lib/lib.go":    "package lib\n\nimport _ \"example.com/m\"\n",
	"bench/go.mod":  "module example.com/m/bench\n\ngo 1.23.0\n\nrequire (\n\texample.com/m v0.1.0\n\texample.com/m/lib v0.1.0\n)\n",
	"bench/main.go": "package main\n\nimport (\n\t_ \"example.com/m\"\n\t_ \"example.com/m/lib\"\n)\n\nfunc main() {}\n",
}

// load writes the repository, with the changed contents for some of its files, and loads it.
func load(t *testing.T, changed map[string]string) *Tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range repository {
		if other, ok := changed[name]; ok {
			text = other
		}
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// replaced returns the content of one of the repository's files with one text replaced by another.
func replaced(name, old, by string) map[string]string {
	return map[string]string{name: strings.Replace(repository[name], old, by, 1)}
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name    string
		changed map[string]string
		fault   string // empty if no fault is expected
	}{
		{"as it should be", nil, ""},
		{"two versions", replaced("lib/go.mod", "v0.1.0", "v0.2.0"), "want one"},
		{"another version in go.work", replaced("go.work", "m v0.1.0", "m v0.2.0"), "go.work replaces example.com/m v0.2.0, want v0.1.0"},
		{"none in go.work", replaced("go.work", "example.com/m/lib v0.1.0 => ./lib", ""), `go.work replaces example.com/m/lib by ""`},
		{"another folder in go.work", replaced("go.work", "=> ./lib", "=> ./bench"), `by "./bench", want ./lib`},
		{"a program that replaces", replaced("bench/go.mod", ")", ")\n\nreplace example.com/m => ..\n"), "example.com/m/bench replaces example.com/m:"},
		{"a library that replaces another's", replaced("lib/go.mod", "replace", "replace example.com/other => ../other\n\nreplace"), "lib replaces example.com/other:"},
	} {
		faults := load(t, test.changed).Faults()
		if test.fault == "" && len(faults) > 0 || test.fault != "" && !strings.Contains(strings.Join(faults, "\n"), test.fault) {
			t.Errorf("%s: %q, want %q", test.name, faults, test.fault)
		}
	}
}

func TestSetVersion(t *testing.T) {
	tree := load(t, nil)
	for _, wrong := range []string{"", "1.0.0", "v1", "latest"} {
		if err := tree.SetVersion(wrong); err == nil {
			t.Errorf("%q is taken for a version", wrong)
		}
	}
	if err := tree.SetVersion("v0.2.0"); err != nil {
		t.Fatal(err)
	}
	tree, err := Load(tree.Root)
	if err != nil {
		t.Fatal(err)
	}
	if version, err := tree.Version(); version != "v0.2.0" || err != nil {
		t.Errorf("Version() = %q, %v", version, err)
	}
	if faults := tree.Faults(); len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
}

func TestTidy(t *testing.T) {
	tree := load(t, replaced("bench/go.mod", ")", "\texample.com/other v1.0.0\n)\n\nreplace example.com/other => ../lib\n"))
	bench := tree.Modules[2]
	diff, err := tree.Tidy(t.Context(), bench, false)
	if err != nil || !strings.Contains(diff, "-\texample.com/other v1.0.0") {
		t.Errorf("the difference is %q, %v", diff, err)
	}
	if _, err := tree.Tidy(t.Context(), bench, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tree.folder(bench), "go.sum")); !os.IsNotExist(err) {
		t.Errorf("there is a go.sum, though nothing has a checksum: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(tree.folder(bench), "go.mod"))
	if err != nil || strings.Contains(string(text), "other v1") || strings.Contains(string(text), "=> ..\n") {
		t.Errorf("tidied: %s, %v", text, err)
	}
	if diff, err := tree.Tidy(t.Context(), bench, false); diff != "" || err != nil {
		t.Errorf("tidied, the difference is %q, %v", diff, err)
	}
}

// TestProxy: the proxy has each module's own files, and go.mod files that require the version given to Add.
func TestProxy(t *testing.T) {
	tree := load(t, nil)
	proxy := Proxy(t.TempDir())
	if err := proxy.Add(tree, "v0.3.0"); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(string(proxy), "example.com", "m", "@v", "v0.3.0")
	opened, err := zip.OpenReader(at + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	var names []string
	for _, f := range opened.File {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if want := []string{"example.com/m@v0.3.0/go.mod", "example.com/m@v0.3.0/go.work", "example.com/m@v0.3.0/m.go"}; !slices.Equal(names, want) {
		t.Errorf("the root module has the files %q, want %q", names, want)
	}
	mod, err := os.ReadFile(filepath.Join(string(proxy), "example.com", "m", "bench", "@v", "v0.3.0.mod"))
	if err != nil || strings.Count(string(mod), " v0.3.0\n") != 2 {
		t.Errorf("bench has the go.mod %s, %v", mod, err)
	}
}

// TestTagged: the proxy has the tagged versions that are older than the given one, and no others.
func TestTagged(t *testing.T) {
	tree := load(t, nil)
	// The user's configuration might ask git to sign commits and tags.
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir = tree.Root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "first")
	for _, tag := range []string{"v0.1.0", "lib/v0.1.0", "v0.2.0", "other/v0.1.0", "lib/words"} {
		git("tag", tag)
	}
	proxy := Proxy(t.TempDir())
	released, err := proxy.AddTagged(tree, "v0.2.0")
	want := []module.Version{{Path: "example.com/m/lib", Version: "v0.1.0"}, {Path: "example.com/m", Version: "v0.1.0"}}
	if err != nil || !slices.Equal(released, want) {
		t.Fatalf("released: %v, %v, want %v", released, err, want)
	}
	if _, err := os.Stat(filepath.Join(string(proxy), "example.com", "m", "lib", "@v", "v0.1.0.zip")); err != nil {
		t.Error(err)
	}
}

func TestFindRoot(t *testing.T) {
	tree := load(t, nil)
	t.Chdir(filepath.Join(tree.Root, "lib"))
	want, err := filepath.EvalSymlinks(tree.Root)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := FindRoot("."); err != nil || got != want {
		t.Errorf("FindRoot = %q, %v, want %q", got, err, want)
	}
	if got, err := FindRoot(string(filepath.Separator)); err == nil {
		t.Errorf("a root outside of the repository: %s", got)
	}
}

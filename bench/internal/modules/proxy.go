package modules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/zip"
)

// Proxy is a folder that the go command takes modules from: a GOPROXY of the form file://FOLDER.
type Proxy string

// Add puts the modules of the tree into the proxy, as they would be if they were all tagged with that version now.
func (p Proxy) Add(t *Tree, version string) error {
	for _, m := range t.Modules {
		mod, err := t.required(m, version)
		if err != nil {
			return err
		}
		files, err := t.files(m, mod)
		if err != nil {
			return err
		}
		at := module.Version{Path: m.Path, Version: version}
		if err := p.put(at, mod, func(w io.Writer) error { return zip.Create(w, at, files) }); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return nil
}

// AddTagged puts into the proxy every version of the tree's modules that is tagged in the git repository and older than the
// version before. It returns these versions.
func (p Proxy) AddTagged(t *Tree, before string) (released []module.Version, err error) {
	list := exec.Command("git", "tag", "--list")
	list.Dir = t.Root
	tags, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git tag: %w", err)
	}
	for _, tag := range strings.Fields(string(tags)) {
		for _, m := range t.Modules {
			version := tag[strings.LastIndexByte(tag, '/')+1:]
			if m.Tag(version) != tag || !semver.IsValid(version) || semver.Compare(version, before) >= 0 {
				continue
			}
			at := module.Version{Path: m.Path, Version: version}
			show := exec.Command("git", "show", tag+":"+strings.TrimPrefix(m.Dir+"/go.mod", "./"))
			show.Dir = t.Root
			mod, err := show.Output()
			if err != nil {
				return nil, fmt.Errorf("git show %s: %w", tag, err)
			}
			dir := strings.TrimPrefix(m.Dir, ".")
			err = p.put(at, mod, func(w io.Writer) error { return zip.CreateFromVCS(w, at, t.Root, tag, dir) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
			released = append(released, at)
		}
	}
	return released, nil
}

// put adds one version of one module.
func (p Proxy) put(at module.Version, mod []byte, writeZip func(io.Writer) error) error {
	escaped, err := module.EscapePath(at.Path)
	if err != nil {
		return err
	}
	dir := filepath.Join(string(p), filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{at.Version, time.Now().UTC()})
	if err != nil {
		return err
	}
	var zipped bytes.Buffer
	if err := writeZip(&zipped); err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(dir, "list"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for name, text := range map[string][]byte{
		"list": append(list, at.Version+"\n"...), at.Version + ".info": info, at.Version + ".mod": mod, at.Version + ".zip": zipped.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files returns a module's files, with mod as the content of its go.mod.
func (t *Tree) files(m Module, mod []byte) (files []zip.File, err error) {
	dir := t.folder(m)
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if name != dir && (err == nil || entry.Name() == ".git") { // another module
				return filepath.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		inside, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(inside), from: name}
		if inside == "go.mod" {
			f.text = mod
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// file is a zip.File: a file of the tree, with text as its content unless that is nil.
type file struct {
	name, from string
	text       []byte
}

func (f file) Path() string { return f.name }

func (f file) Lstat() (os.FileInfo, error) {
	info, err := os.Lstat(f.from)
	if f.text != nil && err == nil {
		info = sized{info, int64(len(f.text))}
	}
	return info, err
}

func (f file) Open() (io.ReadCloser, error) {
	if f.text != nil {
		return io.NopCloser(bytes.NewReader(f.text)), nil
	}
	return os.Open(f.from)
}

// sized is a file's information with another size.
type sized struct {
	os.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

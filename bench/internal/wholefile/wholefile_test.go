package wholefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	if err := os.WriteFile(first, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("first", link); err != nil {
		t.Fatal(err)
	}
	if err := Write(File{link, []byte("new")}, File{second, []byte("other")}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{first: "new", second: "other"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v, want %q", path, got, err, want)
		}
	}
	if info, err := os.Stat(first); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v, want the mode that it had", first, info.Mode(), err)
	}
	if target, err := os.Readlink(link); err != nil || target != "first" {
		t.Errorf("the link leads to %q, %v, want it as it was", target, err)
	}
	only(t, dir, "first", "link", "second")
}

// TestWriteFails checks that Write writes none of several files if it can't write one of them.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "missing", "file"): "no such file or directory",
		dir:                                   "it is a directory",
	} {
		err := Write(File{filepath.Join(dir, "first"), []byte("new")}, File{path, []byte("other")})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v, want %q and the file's name once", path, err, want)
		}
	}
	only(t, dir)
}

// only checks that a directory has exactly these files.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// TestWritable: Writable and WritableDir return the error before anything is written, and leave no file.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file: "", filepath.Join(dir, "new"): "", os.DevNull: "",
		dir:                                "can't write " + dir + ": it is a directory",
		filepath.Join(dir, "none", "file"): "can't write " + filepath.Join(dir, "none", "file") + ": no such file or directory",
	} {
		if err := Writable(path); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	for path, want := range map[string]string{
		dir: "", filepath.Join(dir, "new", "er"): "",
		file:                        "can't write to " + file + ": not a directory",
		filepath.Join(file, "none"): "can't write to " + filepath.Join(file, "none") + ": not a directory",
	} {
		if err := WritableDir(path); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("directory %s: got %v, want %q", path, err, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("there is %v in the directory, %v", left, err)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// files returns the paths of all files below dir, also of hidden ones.
func files(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, err = filepath.Rel(dir, path)
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestFiles: the program writes pictures and the page in addition to its output, and replaces
// existing files.
func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("compare.html", []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"compare", "-only", "articles,edge"}
	printed := succeed(t, "", args...)
	if got := succeed(t, "", append(args, "-html", "compare.html", "-svg", "new/pictures", "-png", "new/pictures")...); got != printed {
		t.Errorf("with files it printed\n%s\nwant\n%s", got, printed)
	}
	want := []string{"compare.html", "new/pictures/articles.png", "new/pictures/articles.svg", "new/pictures/edge.png", "new/pictures/edge.svg"}
	if got := files(t, "."); !slices.Equal(got, want) {
		t.Errorf("got the files %q, want %q", got, want)
	}
	for _, path := range want[1:] {
		content := read(t, path)
		if _, err := png.Decode(bytes.NewReader(content)); filepath.Ext(path) == ".png" && err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if filepath.Ext(path) == ".svg" && !bytes.HasPrefix(content, []byte("<svg ")) {
			t.Errorf("%s is no SVG", path)
		}
	}
	// The page's JSON is the document that -json prints.
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindSubmatch(read(t, "compare.html"))
	if data == nil {
		t.Fatal("there is no document in the page")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data[1]); err != nil {
		t.Fatal(err)
	}
	if got := succeed(t, "", append(args, "-json")...); compact.String()+"\n" != got {
		t.Error("the document in the page is another than -json prints")
	}

	succeed(t, requests, "compare", "-trace", "-", "-svg", ".")
	read(t, "standard input.svg")
	if err := os.WriteFile("requests.csv", []byte(requests), 0o600); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "compare", "-trace", "requests.csv", "-png", ".")
	read(t, "requests.png")
}

// TestUnwritable: if one file can't be written, a line says so, and no other file is written
// either.
func TestUnwritable(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("file", []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-html", "dir"}, "can't write dir: it is a directory"},
		{[]string{"-html", "none/x.html"}, "can't write none/x.html: no such file or directory"},
		{[]string{"-html", "x.html", "-svg", "file"}, "can't write to file: not a directory"},
		{[]string{"-svg", "dir", "-png", "file/sub"}, "can't write to file/sub: not a directory"},
	} {
		got := fail(t, 1, append([]string{"compare", "-only", "edge"}, test.args...)...)
		if got != "bench: "+test.want+"\n" {
			t.Errorf("bench %q: stderr is %q, want %q", test.args, got, test.want)
		}
		if got := files(t, "."); !slices.Equal(got, []string{"file"}) || string(read(t, "file")) != "before" {
			t.Errorf("bench %q: there are the files %q", test.args, got)
		}
	}
	if got := fail(t, 2, "compare", "-html", "-"); !strings.Contains(got, `-html is "-", want the name`) {
		t.Errorf("stderr is %q", got)
	}
}

package servers

import (
	"archive/tar"
	"bytes"
	"maps"
	"os/exec"
	"strconv"
	"testing"
)

// tarOf returns a tar archive of a directory with one file.
func tarOf(t *testing.T, name, content string) *bytes.Buffer {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &text
}

// TestSweepImages: sweep removes the images of processes that have ended, and keeps those of running processes.
func TestSweepImages(t *testing.T) {
	e, err := connect()
	if err != nil {
		t.Log("no images to sweep without an engine:", err)
		return
	}
	mine, err := ImportProgram(t.Context(), tarOf(t, "file", "mine"), "USER 1")
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	labels := maps.Clone(owner())
	labels[labelPid] = strconv.Itoa(ended.Process.Pid)
	labels[labelRun] = `none "of" these`
	abandoned, err := e.importLabelled(t.Context(), tarOf(t, "file", "abandoned"), "", labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !present(t.Context(), e, abandoned) {
		t.Errorf("image %s doesn't exist", abandoned)
	}
	if err := e.sweep(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if present(t.Context(), e, abandoned) {
		t.Error("the image of a process that has ended was not removed")
	}
	if !present(t.Context(), e, mine.id) {
		t.Error("the image of this process was removed")
	}
	if err := mine.Close(); err != nil {
		t.Error(err)
	}
	if present(t.Context(), e, mine.id) {
		t.Error("Close has not removed the image")
	}
}

func TestBadProgram(t *testing.T) {
	if _, err := connect(); err != nil {
		t.Log("no images without an engine:", err)
		return
	}
	if i, err := ImportProgram(t.Context(), bytes.NewReader([]byte("no tar, or a very short one"))); err == nil {
		t.Errorf("an archive that is not a tar makes an image %v, close: %v", i, i.Close())
	}
	if i, err := ImportProgram(t.Context(), tarOf(t, "file", ""), "NONSENSE 1"); err == nil {
		t.Errorf("wrong settings make an image %v, close: %v", i, i.Close())
	}
}

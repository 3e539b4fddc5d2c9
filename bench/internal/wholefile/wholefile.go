// Package wholefile writes files atomically: each is written to a temporary file, which then replaces the old one.
package wholefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A File is a file to write.
type File struct {
	Path string
	Data []byte
}

// Write writes files, and replaces existing ones. If the new content of one file can't be stored, no file is replaced. Write
// doesn't replace what isn't a regular file, such as a pipe, but writes to it.
func Write(files ...File) (err error) {
	type move struct{ from, to string }
	var moves []move
	defer func() {
		for _, m := range moves {
			os.Remove(m.from) // it exists only after an error
		}
	}()
	var streams []File
	for _, f := range files {
		path, mode, regular, err := place(f.Path)
		if err != nil {
			return err
		}
		if !regular {
			streams = append(streams, f)
			continue
		}
		beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
		moves = append(moves, move{beside, path})
		if err := create(beside, mode, f.Data); err != nil {
			return fmt.Errorf("can't write %s: %w", f.Path, cause(err))
		}
	}
	for _, m := range moves {
		if err := os.Rename(m.from, m.to); err != nil {
			return fmt.Errorf("can't write %s: %w", m.to, cause(err))
		}
	}
	for _, f := range streams {
		if err := os.WriteFile(f.Path, f.Data, 0); err != nil {
			return fmt.Errorf("can't write %s: %w", f.Path, cause(err))
		}
	}
	return nil
}

// Writable returns an error if a file can't be written. Call it before the work whose result the file is for.
func Writable(path string) error {
	real, _, regular, err := place(path)
	if err != nil || !regular {
		return err
	}
	if err := creatable(filepath.Dir(real)); err != nil {
		return fmt.Errorf("can't write %s: %w", path, err)
	}
	return nil
}

// WritableDir returns an error if files can't be written into a directory, which need not exist yet.
func WritableDir(dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at):
			continue
		case err == nil && !info.IsDir():
			err = syscall.ENOTDIR
		case err == nil:
			err = creatable(at)
		}
		if err != nil {
			return fmt.Errorf("can't write to %s: %w", dir, cause(err))
		}
		return nil
	}
}

// creatable returns an error if no file can be created in a directory.
func creatable(dir string) error {
	file, err := os.CreateTemp(dir, ".weir-*")
	if err != nil {
		return cause(err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// place returns the path of a file with symbolic links resolved, its mode, and whether it is a regular file. For a file that
// doesn't exist yet, they are those of the file that will be created.
func place(path string) (real string, mode fs.FileMode, regular bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0o644, true, nil
	case err != nil:
		return "", 0, false, fmt.Errorf("can't write %s: %w", path, cause(err))
	case info.IsDir():
		return "", 0, false, fmt.Errorf("can't write %s: it is a directory", path)
	case !info.Mode().IsRegular():
		return path, 0, false, nil
	}
	if real, err = filepath.EvalSymlinks(path); err != nil {
		return "", 0, false, fmt.Errorf("can't write %s: %w", path, cause(err))
	}
	return real, info.Mode().Perm(), true, nil
}

func create(path string, mode fs.FileMode, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// cause returns the reason of an error without the file's name, which the caller adds.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

package servers

import (
	"bytes"
	"context"
	"debug/elf"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed faketime.sh
var faketimeScript string

// faketimeEnv names the variable that says where libfaketime is, if it is nowhere it is looked for.
const faketimeEnv = "WEIR_FAKETIME"

// faketimeSuite is the Debian release whose libfaketime runs with the server's libc: bookworm's needs one
// of its own release or a later one.
func (k Kind) faketimeSuite() string {
	if k.suite() == "bullseye" {
		return "bullseye"
	}
	return "bookworm"
}

// faketimeCache is where Prepare unpacks that of a release.
func faketimeCache(suite string) string {
	return filepath.Join(cacheDir(), "libfaketime-"+suite+".so.1")
}

var errNoFaketime = errors.New(`no libfaketime: run "go run ./bench/test", which unpacks it, or name its file in ` + faketimeEnv)

// findFaketime returns the library's file. What Prepare has unpacked comes before what the machine
// has, which may be too new for a server's libc.
func findFaketime(suite string) (string, error) {
	if path := os.Getenv(faketimeEnv); path != "" {
		return path, nil
	}
	for _, place := range []string{
		faketimeCache(suite),
		"/usr/lib/*/faketime/libfaketime.so.1",
		"/usr/lib64/faketime/libfaketime.so.1",
		"/usr/lib/faketime/libfaketime.so.1",
	} {
		if paths, err := filepath.Glob(place); err == nil && len(paths) > 0 {
			return paths[0], nil
		}
	}
	return "", errNoFaketime
}

// loadFaketime returns the library, fit for servers.
func loadFaketime(suite string) ([]byte, error) {
	path, err := findFaketime(suite)
	if err != nil {
		return nil, err
	}
	library, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, errNoFaketime)
	}
	if err == nil {
		err = hideSymbols(library, "clock_gettime", "pthread_cond_init")
	}
	if err != nil {
		return nil, fmt.Errorf("libfaketime %s: %w", path, err)
	}
	return library, nil
}

// hideSymbols takes functions from those that a library puts in the place of libc's, by spoiling
// their names.
//
// Servers call gettimeofday for the time. Of clock_gettime they need no other clock than the
// monotonic one, which is not to be shifted. But their allocator, jemalloc, calls it and
// pthread_cond_init before it can allocate, and libfaketime's need memory at their first call: with
// these two in place, no server gets as far as its main function.
func hideSymbols(library []byte, names ...string) error {
	file, err := elf.NewFile(bytes.NewReader(library))
	if err != nil {
		return err
	}
	section := file.Section(".dynstr")
	if section == nil || section.Offset+section.FileSize > uint64(len(library)) {
		return errors.New("no names of symbols")
	}
	text := library[section.Offset : section.Offset+section.FileSize]
	for _, name := range names {
		at := bytes.Index(text, []byte(name+"\x00"))
		if at < 0 {
			return fmt.Errorf("no %s in it", name)
		}
		text[at] = '-' // found by the hash of the old name, it is no longer what is looked for
	}
	return nil
}

// prepareFaketime makes sure that there are the libraries for servers of these kinds.
func prepareFaketime(ctx context.Context, all []Kind) (how string, err error) {
	var hows []string
	var errs []error
	done := map[string]bool{}
	for _, k := range all {
		suite := k.faketimeSuite()
		if done[suite] {
			continue
		}
		done[suite] = true
		path, err := findFaketime(suite)
		how := "library " + path
		if err != nil {
			how, err = "library "+faketimeCache(suite)+" unpacked from Debian "+suite, unpackFaketime(ctx, suite)
		}
		if err == nil {
			_, err = loadFaketime(suite)
		}
		hows, errs = append(hows, how), append(errs, err)
	}
	return strings.Join(hows, ", "), errors.Join(errs...)
}

func unpackFaketime(ctx context.Context, suite string) error {
	return fromDebian(ctx, faketimeScript, suite, nil, func(work string) error {
		return os.Rename(filepath.Join(work, "libfaketime.so.1"), faketimeCache(suite))
	})
}

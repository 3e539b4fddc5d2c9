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

// faketimeEnv is the environment variable with the path of libfaketime, for machines that have it in an unusual place.
const faketimeEnv = "WEIR_FAKETIME"

// faketimeSuite returns the Debian release whose libfaketime runs with the server's libc. The one of bookworm needs the libc of
// bookworm or later.
func (k Kind) faketimeSuite() string {
	if k.suite() == "bullseye" {
		return "bullseye"
	}
	return "bookworm"
}

// faketimeCache returns the path to which Prepare unpacks the libfaketime of a release.
func faketimeCache(suite string) string {
	return filepath.Join(cacheDir(), "libfaketime-"+suite+".so.1")
}

var errNoFaketime = errors.New(`no libfaketime: run "go run ./bench/test", which unpacks it, or name its file in ` + faketimeEnv)

// findFaketime returns the path of the library. It prefers the one that Prepare has unpacked to an installed one, which may be
// too new for a server's libc.
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

// loadFaketime returns the content of the library, changed so that servers can load it.
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

// hideSymbols changes the names of functions in a library, so that the library doesn't replace libc's functions with these
// names.
//
// Servers call gettimeofday for the time. They use clock_gettime for the monotonic clock only, which must not be shifted.
// But their allocator, jemalloc, calls clock_gettime and pthread_cond_init before it can allocate. libfaketime's versions of
// these two functions allocate memory at their first call, so with them no server reaches its main function.
func hideSymbols(library []byte, names ...string) error {
	file, err := elf.NewFile(bytes.NewReader(library))
	if err != nil {
		return err
	}
	section := file.Section(".dynstr")
	if section == nil || section.Offset+section.FileSize > uint64(len(library)) {
		return errors.New("it has no names of symbols")
	}
	text := library[section.Offset : section.Offset+section.FileSize]
	for _, name := range names {
		at := bytes.Index(text, []byte(name+"\x00"))
		if at < 0 {
			return fmt.Errorf("it has no symbol %s", name)
		}
		text[at] = '-' // a lookup by the hash of the old name then finds another name
	}
	return nil
}

// prepareFaketime unpacks the libraries for servers of these kinds if they are missing.
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

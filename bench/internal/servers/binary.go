package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// binary is a server program of this machine.
type binary struct {
	path    string
	root    string   // the root directory that it was unpacked to, or ""
	command []string // the command that starts it: its path, perhaps with a dynamic linker and libraries before it
	version string
}

// findBinary returns a program that is a server of this kind, or nil. It prefers an installed program to one that Prepare has
// unpacked.
func findBinary(k Kind) *binary {
	if path, err := exec.LookPath(k.program + "-server"); err == nil {
		if b := newBinary(k, path, path); b != nil {
			return b
		}
	}
	return unpacked(k)
}

// unpacked returns the program in a root directory that rootfs.sh has made, or nil. It may come from another release of the
// distribution than this machine's, so it runs with the libraries of that release.
func unpacked(k Kind) *binary {
	root := rootDir(k)
	loaders, err := filepath.Glob(filepath.Join(root, "lib*", "ld-linux*.so.*"))
	if err != nil || len(loaders) == 0 {
		return nil
	}
	path := filepath.Join(root, "usr", "bin", k.program+"-server")
	b := newBinary(k, path, loaders[0], "--library-path", filepath.Join(root, "lib"), path)
	if b != nil {
		b.root = root
	}
	return b
}

// rootDir returns the directory to which Prepare unpacks the server of a kind.
func rootDir(k Kind) string {
	return filepath.Join(cacheDir(), k.program+"-"+k.version+"-"+k.recipe())
}

// cacheDir returns the directory with all unpacked servers. After it is deleted, Prepare unpacks them again.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil { // no home directory
		dir = filepath.Join(os.TempDir(), "cache-"+strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(dir, "weir", "servers")
}

// versionLine matches the output of --version: "Redis server v=7.0.15 sha=00000000:0 ...". That of Valkey begins with "Valkey
// server", whatever the program's file is called.
var versionLine = regexp.MustCompile(`^(\w+) server v=(\S+)`)

// newBinary asks a program for its name and version. It returns nil if they don't match k.
func newBinary(k Kind, path string, command ...string) *binary {
	out, err := exec.Command(command[0], append(command[1:], "--version")...).Output()
	if err != nil {
		return nil
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil || strings.ToLower(m[1]) != k.program || !k.matches(m[2]) {
		return nil
	}
	return &binary{path: path, command: command, version: m[2]}
}

package servers

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed python.sh
var pythonScript string

// UnpackPython returns a root directory with the Python of a Debian release and those of its packages that are
// named. It is unpacked from the packages the first time, and kept beside the unpacked servers: don't change it.
// It is fit for [ImportProgram], and its program python3 runs on this machine.
func UnpackPython(ctx context.Context, suite string, packages ...string) (root string, err error) {
	sum := sha256.Sum256([]byte(debianScript + pythonScript + fmt.Sprint(suite, packages)))
	root = filepath.Join(cacheDir(), "python-"+suite+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	err = fromDebian(ctx, pythonScript, suite, packages, func(work string) error {
		err := os.Rename(filepath.Join(work, "root"), root)
		if _, gone := os.Stat(root); gone == nil { // another process may have come first
			return nil
		}
		return err
	})
	return root, err
}

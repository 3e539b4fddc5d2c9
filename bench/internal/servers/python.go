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

// UnpackPython returns a root directory with the Python of a Debian release and the named packages of that release. The first
// call unpacks them, and later calls return the same directory, so don't change it. [ImportProgram] can make an image of it,
// and its program python3 runs on this machine.
func UnpackPython(ctx context.Context, suite string, packages ...string) (root string, err error) {
	sum := sha256.Sum256([]byte(debianScript + pythonScript + fmt.Sprint(suite, packages)))
	root = filepath.Join(cacheDir(), "python-"+suite+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(root); err == nil {
		return root, nil
	}
	err = fromDebian(ctx, pythonScript, suite, packages, func(work string) error {
		err := os.Rename(filepath.Join(work, "root"), root)
		if _, gone := os.Stat(root); gone == nil { // another process may have unpacked it meanwhile
			return nil
		}
		return err
	})
	return root, err
}

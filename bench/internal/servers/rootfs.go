package servers

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

//go:embed debian.sh
var debianScript string

//go:embed rootfs.sh
var rootfsScript string

// unpack unpacks the servers of one Debian release to the cache directory.
func unpack(ctx context.Context, suite string, all []Kind) error {
	all = slices.DeleteFunc(slices.Clone(all), func(k Kind) bool { return unpacked(k) != nil })
	if len(all) == 0 {
		return nil
	}
	var programs []string
	for _, k := range all {
		if !slices.Contains(programs, k.program) {
			programs = append(programs, k.program)
		}
	}
	return fromDebian(ctx, rootfsScript, suite, programs, func(work string) error {
		for _, k := range all {
			former, _ := filepath.Glob(filepath.Join(cacheDir(), k.program+"-"+k.version+"-*"))
			for _, dir := range former {
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
			}
			err := os.Rename(filepath.Join(work, k.program), rootDir(k))
			// Another process may have unpacked it meanwhile.
			if err != nil && unpacked(k) == nil {
				return err
			}
		}
		return nil
	})
}

// fromDebian runs a script that unpacks packages of a Debian release in a working directory within the cache directory. Then it
// calls keep, which moves the results elsewhere.
func fromDebian(ctx context.Context, script, suite string, args []string, keep func(work string) error) error {
	dir := cacheDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	removeStale(dir)
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	cmd := exec.CommandContext(ctx, "bash", append([]string{"-c", debianScript + script, "unpack", suite, work}, args...)...)
	cmd.WaitDelay = time.Second // as a child of the script may still hold the output pipe
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return keep(work)
}

const workPrefix = "work-"

// removeStale removes the working directories of runs that were killed.
func removeStale(dir string) {
	works, _ := filepath.Glob(filepath.Join(dir, workPrefix+"*"))
	for _, work := range works {
		if info, err := os.Stat(work); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(work)
		}
	}
}

// labelRecipe is the label with the recipe of an image that this package has built: see [Kind.recipe].
const labelRecipe = "weir.test.recipe"

// builtImage returns the name of the image that is built to replace a kind's own. No registry has it, as the domain .test is
// reserved for tests.
func (k Kind) builtImage() string {
	return "weir.test/" + k.program + ":" + k.version + "-" + k.suite()
}

// hasBuilt reports whether the engine has the built image with the current recipe.
func (e *engine) hasBuilt(ctx context.Context, k Kind) bool {
	if !k.standsFor() {
		return false
	}
	image, err := e.ImageInspect(ctx, k.builtImage())
	return err == nil && image.Config != nil && image.Config.Labels[labelRecipe] == k.recipe()
}

// settings returns lines of a Dockerfile with which the image can be used like the official one.
func (k Kind) settings() []string {
	return []string{
		`ENTRYPOINT ["docker-entrypoint.sh"]`,
		fmt.Sprintf(`CMD ["%s-server"]`, k.program),
		"EXPOSE 6379",
		"WORKDIR /data",
		"USER 999:999",
	}
}

// recipe returns a hash of the packages and the way in which the image is built. It changes if either changes.
func (k Kind) recipe() string {
	sum := sha256.Sum256([]byte(debianScript + rootfsScript + fmt.Sprint(k.suite(), k.settings())))
	return hex.EncodeToString(sum[:6])
}

// importRoot makes an image of the root directory of a kind.
func (e *engine) importRoot(ctx context.Context, k Kind) error {
	// This uses the engine's API, because the docker command may not be installed.
	tar := exec.CommandContext(ctx, "tar", "-C", rootDir(k), "--numeric-owner", "--owner=0", "--group=0", "-c", ".")
	var complaint strings.Builder
	tar.Stderr = &complaint
	files, err := tar.StdoutPipe()
	if err != nil {
		return err
	}
	if err := tar.Start(); err != nil {
		return err
	}
	former, formerErr := e.ImageInspect(ctx, k.builtImage())
	id, err := e.importLabelled(ctx, files, k.builtImage(), map[string]string{labelRecipe: k.recipe()}, k.settings())
	_ = files.Close() // so that tar ends even if the engine has not read everything
	if tarErr := tar.Wait(); tarErr != nil {
		err = errors.Join(err, fmt.Errorf("tar: %w: %s", tarErr, complaint.String()))
	}
	if err == nil && formerErr == nil && former.ID != id { // the former image has lost its name
		_, err = e.ImageRemove(ctx, former.ID, client.ImageRemoveOptions{})
		err = unlessGone(err)
	}
	return err
}

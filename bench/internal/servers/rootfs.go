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

// unpack brings the servers of one Debian release into the cache directory.
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
			// Another run may have come first, and what it has made serves as well.
			if err != nil && unpacked(k) == nil {
				return err
			}
		}
		return nil
	})
}

// fromDebian has a script take something from the packages of a Debian release, and keep move what
// it has made out of the script's directory, which is within the cache directory.
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
	cmd.WaitDelay = time.Second // for the pipe that what it started may still hold
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

// labelRecipe tells how an image of ours was built: see [Kind.recipe].
const labelRecipe = "weir.test.recipe"

// builtImage is the name of an image built in place of a kind's own. No registry has it, as the domain .test
// is for tests alone, so it is never taken for the official one.
func (k Kind) builtImage() string {
	return "weir.test/" + k.program + ":" + k.version + "-" + k.suite()
}

// hasBuilt tells whether the engine has that image, built as it would be built now.
func (e *engine) hasBuilt(ctx context.Context, k Kind) bool {
	if !k.standsFor() {
		return false
	}
	image, err := e.ImageInspect(ctx, k.builtImage())
	return err == nil && image.Config != nil && image.Config.Labels[labelRecipe] == k.recipe()
}

// settings are lines of a Dockerfile that make the image one to be used as the official one is.
func (k Kind) settings() []string {
	return []string{
		`ENTRYPOINT ["docker-entrypoint.sh"]`,
		fmt.Sprintf(`CMD ["%s-server"]`, k.program),
		"EXPOSE 6379",
		"WORKDIR /data",
		"USER 999:999",
	}
}

// recipe is the same for what is made of the same packages in the same way, and differs otherwise.
func (k Kind) recipe() string {
	sum := sha256.Sum256([]byte(debianScript + rootfsScript + fmt.Sprint(k.suite(), k.settings())))
	return hex.EncodeToString(sum[:6])
}

// importRoot makes an image of the root directory of a kind.
func (e *engine) importRoot(ctx context.Context, k Kind) error {
	// To the engine through its API: the docker command need not be there.
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
	_ = files.Close() // so that tar ends even if the engine has not taken all
	if tarErr := tar.Wait(); tarErr != nil {
		err = errors.Join(err, fmt.Errorf("tar: %w: %s", tarErr, complaint.String()))
	}
	if err == nil && formerErr == nil && former.ID != id { // which has lost its name
		_, err = e.ImageRemove(ctx, former.ID, client.ImageRemoveOptions{})
		err = unlessGone(err)
	}
	return err
}

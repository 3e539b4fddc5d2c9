// Package browser checks HTML pages in a headless Chromium, on a large screen and on a phone, in light and in dark mode. It
// finds Chromium or installs it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// programEnv is the environment variable with the program's path. Without it the first of programs that is in PATH is used.
const programEnv = "WEIR_CHROMIUM"

var programs = []string{"chromium", "chromium-browser", "google-chrome"}

// errMissing is the error if there is no browser.
var errMissing = errors.New("no Chromium on this machine: install Debian's package chromium, or name a Chromium or Chrome in " + programEnv)

// find returns the path of the program.
func find() (string, error) {
	if named := os.Getenv(programEnv); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s does not name a program: %w", programEnv, err)
		}
		return path, nil
	}
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errMissing
}

// Prepare finds a browser, and returns where it is from. If there is none, it installs Debian's package, which needs root.
func Prepare(ctx context.Context) (how string, err error) {
	path, err := find()
	if err == nil {
		return "binary " + path + " present", nil
	}
	if _, noApt := exec.LookPath("apt-get"); !errors.Is(err, errMissing) || noApt != nil || os.Geteuid() != 0 {
		return "", err
	}
	if install(ctx) != nil {
		if err := apt(ctx, "update"); err != nil {
			return "", fmt.Errorf("%w (apt-get update: %w)", errMissing, err)
		}
		if err := install(ctx); err != nil {
			return "", fmt.Errorf("%w (apt-get install: %w)", errMissing, err)
		}
	}
	if path, err = find(); err != nil {
		return "", err
	}
	return "binary " + path + " installed from Debian", nil
}

func install(ctx context.Context) error {
	return apt(ctx, "install", "-y", "--no-install-recommends", "chromium")
}

// apt runs apt-get. Its error is the last line that it wrote.
func apt(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
}

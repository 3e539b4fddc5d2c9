package replicas_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
)

// image is the image of the example.
type image struct{ *servers.Program }

// buildImage makes the image as build.sh does. build.sh runs with a script in place of the docker command, which records its
// arguments and its input, so docker isn't needed. The image is made from these, with labels by which it is removed even if
// the test is killed.
func buildImage(t *testing.T) image {
	t.Helper()
	dir := t.TempDir()
	docker := filepath.Join(dir, "docker")
	script := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$@\" >'%[1]s/args' && cat >'%[1]s/root'\n", dir)
	if err := os.WriteFile(docker, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), filepath.Join(example, "build.sh"), "some-name")
	build.Env = append(os.Environ(), "DOCKER="+docker)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.Open(filepath.Join(dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()

	// docker import --change SETTING --change SETTING ... - some-name
	args := strings.Split(strings.TrimSpace(string(text)), "\n")
	var settings []string
	for i, arg := range args {
		if arg == "--change" {
			settings = append(settings, args[i+1])
		}
	}
	if rest := args[len(args)-2:]; args[0] != "import" || rest[0] != "-" || rest[1] != "some-name" {
		t.Errorf("build.sh calls docker with %q", args)
	}
	program, err := servers.ImportProgram(t.Context(), root, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := program.Close(); err != nil {
			t.Error(err)
		}
	})
	return image{program}
}

// start starts a container of the image.
func (i image) start(ctx context.Context, env map[string]string, args ...string) (*running, error) {
	env = maps.Clone(env)
	maps.Copy(env, listen)
	c, err := i.Run(ctx, listensOn, env, args...)
	if err != nil {
		return nil, err
	}
	return &running{c.Listens[0], c}, nil
}

package replicas_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
)

// binary is the file of the example's program.
type binary string

// buildBinary builds the program with build.sh's flags, so that the compiler does the work only
// once.
func buildBinary(t *testing.T) binary {
	t.Helper()
	file := filepath.Join(t.TempDir(), "replicas")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", file, ".")
	build.Dir = example
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary(file)
}

// listen makes the program listen on a free port. listensOn finds the address in the program's log.
var (
	listen    = map[string]string{"LISTEN": "127.0.0.1:0"}
	listensOn = regexp.MustCompile(`(?m) on (127\S+)$`)
)

// start starts a process.
func (b binary) start(_ context.Context, env map[string]string, args ...string) (*running, error) {
	env = maps.Clone(env)
	maps.Copy(env, listen)
	p, err := servers.RunHere("", listensOn, env, append([]string{string(b)}, args...)...)
	if err != nil {
		return nil, err
	}
	return &running{p.Listens[0], p}, nil
}

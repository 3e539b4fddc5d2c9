package django_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/servers"
)

const (
	repository = "../../.."
	example    = "examples/django" // in the repository
	suite      = "trixie"          // the Debian release whose packages are used
)

// python is the Python that the services run on.
type python struct {
	root  string           // the folder with Debian's packages, unpacked
	image *servers.Program // root and the repository's files; nil if services run as processes of this machine
}

// getPython unpacks Debian's packages and makes an image of them, which is removed when the test ends.
func getPython(t *testing.T, contained bool, packages []string) *python {
	t.Helper()
	p := &python{}
	var err error
	if p.root, err = servers.UnpackPython(t.Context(), suite, packages...); err != nil {
		t.Fatal(err)
	}
	if !contained {
		t.Log("no Docker engine whose containers have this machine's network: only as processes")
		return p
	}
	repository, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	tar := exec.CommandContext(t.Context(), "tar", "--numeric-owner", "--owner=0", "--group=0", "--mode=a+rX",
		"--transform=s,^\\(examples\\|bench\\|scripts\\),weir/&,", "-c", "-C", p.root, ".",
		"-C", repository, example, "bench/suites/django/testdata", "scripts")
	var complaint strings.Builder
	tar.Stderr = &complaint
	files, err := tar.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tar.Start(); err != nil {
		t.Fatal(err)
	}
	p.image, err = servers.ImportProgram(t.Context(), files, "WORKDIR /weir", "USER 65532:65532")
	_ = files.Close() // so that tar ends even if the engine has not taken all
	if tarErr := tar.Wait(); err != nil || tarErr != nil {
		t.Fatalf("%v; tar: %v %s", err, tarErr, &complaint)
	}
	t.Cleanup(func() {
		if err := p.image.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

var listensOn = regexp.MustCompile(`Listening at: http://(127\S+)`)

// serve starts gunicorn with arguments as in a shell at the root of the repository, and returns the address of the service.
func (p *python) serve(t *testing.T, env map[string]string, args ...string) (addr string) {
	t.Helper()
	// With these timeouts, the service doesn't give up on a busy machine.
	env = maps.Clone(env)
	maps.Copy(env, map[string]string{"REDIS_TIMEOUT": "60", "PYTHONDONTWRITEBYTECODE": "1"})
	args = append([]string{"--bind", "127.0.0.1:0", "--timeout", "300"}, args...)
	var running servers.Running
	if p.image == nil {
		command := append([]string{filepath.Join(p.root, "python3"), filepath.Join(p.root, "usr/bin/gunicorn")}, args...)
		process, err := servers.RunHere(repository, listensOn, env, command...)
		if err != nil {
			t.Fatal(err)
		}
		running, addr = process, process.Listens[0]
	} else {
		container, err := p.image.Run(t.Context(), listensOn, env, append([]string{"gunicorn"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		running, addr = container, container.Listens[0]
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the service logged:\n%s", running.Log(context.Background()))
		}
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	})
	response, err := client.Get("http://" + addr) // if the workers can't start, gunicorn ends, and this fails
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return addr
}

// serveTried starts testdata/tried.py, a service with all throttles.
func (p *python) serveTried(t *testing.T, redis string, workers string) (addr string) {
	t.Helper()
	return p.serve(t, map[string]string{"REDIS_URL": "redis://" + redis, "DJANGO_SETTINGS_MODULE": "tried_settings"},
		"--workers", workers, "--chdir", example, "--pythonpath", "../../bench/suites/django/testdata", "wsgi")
}

// readme is the example's README.
func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, example, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package servers

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// brokenEnv is set in a process whose Docker engine fails.
const brokenEnv = "WEIR_TEST_BROKEN_ENGINE"

// TestBrokenEngine: if an engine answers but can't start a container or make an image, a program of the same version is used
// instead. A process looks for its engine only once, so the test runs in another process.
func TestBrokenEngine(t *testing.T) {
	kind := All()[0]
	if os.Getenv(brokenEnv) != "" {
		underBrokenEngine(t, kind)
		return
	}
	if _, err := program(t.Context(), kind); err != nil {
		t.Fatal(err)
	}
	for _, image := range []bool{true, false} {
		socket, asked := breakingEngine(t, image)
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenEngine$", "-test.v")
		child.Env = append(os.Environ(), brokenEnv+"=1", "DOCKER_HOST=unix://"+socket)
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestBrokenEngine") {
			t.Errorf("with an image (%v): %v\n%s", image, err, out)
		}
		if asked() == 0 {
			t.Errorf("with an image (%v): the engine got no request to change something", image)
		}
	}
}

// underBrokenEngine gets and starts a server in the process with the broken engine.
func underBrokenEngine(t *testing.T, kind Kind) {
	if usable() == nil {
		t.Fatalf("there is no engine: %s", Engine())
	}
	if _, err := Get(t.Context(), kind); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s := Start(t, kind)
		if !strings.HasPrefix(s.How, "binary ") {
			t.Errorf("got %s, want a program", s)
		}
		if usable() != nil {
			t.Error("the engine doesn't count as broken")
		}
	}
}

// breakingEngine serves the API of a Docker engine that has images of all names, or none, and that fails all requests to
// change something. It returns its socket, and a function that counts these requests.
func breakingEngine(t *testing.T, image bool) (socket string, asked func() int64) {
	dir, err := os.MkdirTemp("", "weir-") // the name of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "engine")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var failed atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.47")
		answer := func(code int, value any) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(value)
		}
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/_ping"):
			fmt.Fprint(w, "OK")
		case strings.HasSuffix(path, "/info"):
			answer(http.StatusOK, map[string]any{"Name": host, "ServerVersion": "broken"})
		case strings.Contains(path, "/images/") && strings.HasSuffix(path, "/json") && r.Method == http.MethodGet && image:
			answer(http.StatusOK, map[string]any{"Id": "sha256:00", "Size": 1})
		case strings.HasSuffix(path, "/json") && r.Method == http.MethodGet:
			answer(http.StatusNotFound, map[string]string{"message": "No such image"})
		default:
			failed.Add(1)
			answer(http.StatusInternalServerError, map[string]string{"message": "no space left on device"})
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return socket, failed.Load
}

package servers

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared are the servers that this process keeps until Main ends.
var shared struct {
	sync.Mutex
	serving bool // Main runs, so that there is someone to stop them
	byImage map[string]func() (*Server, error)
}

// Shared returns the one server of its kind that all tests of a test binary use, each with keys of
// its own. It starts with the first test that asks and ends in [Main], which therefore has to be
// what the package's TestMain calls.
func Shared(tb testing.TB, k Kind) *Server {
	tb.Helper()
	shared.Lock()
	if !shared.serving {
		shared.Unlock()
		tb.Fatal("servers.Shared needs func TestMain(m *testing.M) { servers.Main(m) } in this package")
	}
	get, ok := shared.byImage[k.Image]
	if !ok {
		// Not the test's context: the server outlives the test that happens to come first.
		get = sync.OnceValues(func() (*Server, error) { return Run(context.Background(), k) })
		shared.byImage[k.Image] = get
	}
	shared.Unlock()
	s, err := get()
	if err != nil {
		tb.Fatal(err)
	}
	s.mark(tb)
	return s
}

// Main runs a package's tests and then stops the shared servers.
func Main(m *testing.M) {
	shared.byImage = map[string]func() (*Server, error){}
	shared.serving = true
	code := m.Run()
	for _, get := range shared.byImage {
		s, err := get()
		if err != nil {
			continue // the tests that wanted it have failed with this
		}
		if err := s.Close(); err != nil {
			fmt.Fprintf(os.Stderr, "stop %s: %v\n", s.Kind.Name, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

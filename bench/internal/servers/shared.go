package servers

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared holds the servers that run until Main ends.
var shared struct {
	sync.Mutex
	serving bool // whether Main runs, which stops them
	byImage map[string]func() (*Server, error)
}

// Shared returns a server that all tests of a test binary share. Each test must use different keys. The first call for a kind
// starts the server, and [Main] stops it, so the package's TestMain must call Main.
func Shared(tb testing.TB, k Kind) *Server {
	tb.Helper()
	shared.Lock()
	if !shared.serving {
		shared.Unlock()
		tb.Fatal("servers.Shared needs func TestMain(m *testing.M) { servers.Main(m) } in this package")
	}
	get, ok := shared.byImage[k.Image]
	if !ok {
		// This doesn't use the test's context, because the server outlives the test.
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
			continue // the tests that use it have failed with this error
		}
		if err := s.Close(); err != nil {
			fmt.Fprintf(os.Stderr, "stop %s: %v\n", s.Kind.Name, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

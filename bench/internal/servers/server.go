package servers

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// Attributes that a test gets with its server (see testing.TB.Attr), from which the test command
// counts tests by server.
const (
	AttrServer = "weir.server" // "Redis 7.0.15 · container redis:7.0"
	AttrKind   = "weir.kind"   // "redis-7.0"
)

// Server is a running server.
type Server struct {
	Kind    Kind
	Addr    string // "127.0.0.1:32768"
	Name    string // as the server calls itself: "Redis" or "Valkey"
	Version string // "7.0.15"
	How     string // "container redis:7.0" or "binary /usr/bin/redis-server"

	stop func() error
}

// String says which server it is and how it was got.
func (s *Server) String() string { return s.Name + " " + s.Version + " · " + s.How }

// Close stops the server and removes what it leaves.
func (s *Server) Close() error { return s.stop() }

// Run starts a server outside a test. args are further options, such as "--maxmemory", "1mb". The
// caller closes it.
func Run(ctx context.Context, k Kind, args ...string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	launch, err := find(k)
	if err != nil {
		return nil, err
	}
	s, err := launch(ctx, append([]string{
		"--save", "", "--appendonly", "no",
		"--protected-mode", "no", // a container's server sees its clients come from elsewhere
	}, args...))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", k.Name, err)
	}
	s.Kind = k
	if s.Name, s.Version, err = identify(ctx, s.Addr); err != nil {
		_ = s.stop()
		return nil, fmt.Errorf("start %s: %w", k.Name, err)
	}
	return s, nil
}

// find returns what starts a server of that kind here: a container if an engine has or gets its
// image, else a program of this machine.
func find(k Kind) (func(context.Context, []string) (*Server, error), error) {
	if e, _ := connect(); e != nil && e.provides(k.Image) {
		return func(ctx context.Context, args []string) (*Server, error) { return e.start(ctx, k, args) }, nil
	}
	if b := findBinary(k); b != nil {
		return b.start, nil
	}
	return nil, fmt.Errorf(`no server for %s: run "go run ./bench/test", which builds the image or installs the server`, k.Name)
}

// Start starts a server for one test, with further options if any, and stops it when the test ends.
// Where none can be had the test fails.
func Start(tb testing.TB, k Kind, args ...string) *Server {
	tb.Helper()
	s, err := Run(tb.Context(), k, args...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("stop %s: %v", k.Name, err)
		}
	})
	s.mark(tb)
	return s
}

// mark notes on the test which server it used.
func (s *Server) mark(tb testing.TB) {
	tb.Attr(AttrServer, s.String())
	tb.Attr(AttrKind, s.Kind.Name)
}

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

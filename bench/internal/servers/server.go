package servers

import (
	"context"
	"fmt"
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
	Kind      Kind
	Addr      string // "127.0.0.1:32768": where clients of this machine reach it
	Inside    string // where containers of the same engine reach it, if it is in one
	Announced string // where its peers reach it, and what it tells clients of them: mostly Addr (see [Routes])
	Name      string // as the server calls itself: "Redis" or "Valkey"
	Version   string // "7.0.15"
	How       string // "container redis:7.0" or "binary /usr/bin/redis-server"

	shell func(ctx context.Context, script string, args ...string) error // runs where the server does
	ready func(context.Context) error                                    // returns once it answers
	log   func(context.Context) string                                   // what it has written
	stop  func() error

	shifts bool // has a clock of its own
}

// String says which server it is and how it was got.
func (s *Server) String() string { return s.Name + " " + s.Version + " · " + s.How }

// Close stops the server and removes what it leaves. The nodes of a [Cluster] or [Sentinel] end
// together: close that instead.
func (s *Server) Close() error { return s.stop() }

// Run starts a server outside a test. args are further options, such as "--maxmemory", "1mb". The
// caller closes it.
func Run(ctx context.Context, k Kind, args ...string) (*Server, error) {
	g, err := launch(ctx, k, order{options: args})
	if err != nil {
		return nil, err
	}
	return g.servers[0], nil
}

// order is what a server is to be started with.
type order struct {
	options  []string
	faketime []byte // the library that gives it a clock of its own, if it is to have one
}

// group is servers that were started together and end together.
type group struct {
	servers []*Server
	stop    func() error
}

// launch starts servers of one kind, all at once, and waits until each answers.
func launch(ctx context.Context, k Kind, orders ...order) (*group, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	start, err := find(k)
	if err != nil {
		return nil, err
	}
	for i, o := range orders {
		orders[i].options = append([]string{
			"--save", "", "--appendonly", "no",
			"--protected-mode", "no", // a container's server sees its clients come from elsewhere
		}, o.options...)
	}
	g, err := start(ctx, orders)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", k.Name, err)
	}
	name, version, err := identify(ctx, g.servers[0].Addr)
	if err != nil {
		_ = g.stop()
		return nil, fmt.Errorf("start %s: %w", k.Name, err)
	}
	for i, s := range g.servers {
		s.Kind, s.Name, s.Version, s.stop = k, name, version, g.stop
		s.shifts = orders[i].faketime != nil
	}
	return g, nil
}

// find returns what starts servers of that kind here: in a container if an engine has or gets the
// image, else as a program of this machine.
func find(k Kind) (func(context.Context, []order) (*group, error), error) {
	if e, _ := connect(); e != nil && k.Image != "" && e.provides(k.Image) {
		return func(ctx context.Context, orders []order) (*group, error) { return e.start(ctx, k, orders) }, nil
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
	s.endWith(tb, s.Close)
	return s
}

// endWith marks the test with the server it uses, and closes what that is part of when it ends.
func (s *Server) endWith(tb testing.TB, stop func() error) {
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Errorf("stop %s: %v", s.Kind.Name, err)
		}
	})
	s.mark(tb)
}

// mark notes on the test which server it used.
func (s *Server) mark(tb testing.TB) {
	tb.Attr(AttrServer, s.String())
	tb.Attr(AttrKind, s.Kind.Name)
}

package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
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
	Addr      string // "127.0.0.1:12345": where clients and the server's peers reach it
	Contained bool   // it is in a container that shares this machine's network, as a [Program] does
	Name      string // as the server calls itself: "Redis" or "Valkey"
	Version   string // "7.0.15"
	How       string // "container redis:7.0" or "binary /usr/bin/redis-server"

	dir   string                                                         // where it works
	shell func(ctx context.Context, script string, args ...string) error // runs where the server does
	alive func(context.Context) error                                    // says why it has ended, if it has
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

// RunUnder starts a server as a program of this machine, also where there is a Docker engine, under a tool such as
// valgrind: what starts the server is appended to tool. It unpacks the server if need be. The caller closes it.
func RunUnder(ctx context.Context, k Kind, tool []string, args ...string) (*Server, error) {
	b, err := program(ctx, k)
	if err != nil {
		return nil, err
	}
	b.command = append(slices.Clone(tool), b.command...)
	g, err := launchBy(ctx, b.start, k, order{options: args})
	if err != nil {
		return nil, err
	}
	return g.servers[0], nil
}

// program returns a server as a program of this machine, and unpacks it if need be.
func program(ctx context.Context, k Kind) (*binary, error) {
	b := findBinary(k)
	if b == nil && k.suite() != "" {
		if err := unpack(ctx, k.suite(), []Kind{k}); err != nil {
			return nil, err
		}
		b = unpacked(k)
	}
	if b == nil {
		return nil, fmt.Errorf("no %s-server %s on this machine, and no Debian release known that has one that runs here", k.program, k.version)
	}
	return b, nil
}

// order is what a server is to be started with.
type order struct {
	options  []string
	port     int    // of 127.0.0.1, which is the server's until it is stopped
	faketime []byte // the library that gives it a clock of its own, if it is to have one
}

// command is what starts the server: a program, which works in a directory and listens on the host's port.
func (o order) command(program []string, dir, host string) []string {
	c := append(slices.Clone(program), dir+"/conf", "--bind", host, "--port", strconv.Itoa(o.port), "--dir", dir)
	return append(c, o.options...)
}

// group is servers that were started together and end together.
type group struct {
	servers []*Server
	stop    func() error
}

// launch starts servers of one kind, all at once, and waits until each answers.
func launch(ctx context.Context, k Kind, orders ...order) (*group, error) {
	start, err := find(k)
	if err != nil {
		return nil, err
	}
	return launchBy(ctx, start, k, orders...)
}

// launchBy does that with what starts servers.
func launchBy(ctx context.Context, start starter, k Kind, orders ...order) (*group, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*healthTimeout)
	defer cancel()
	for i, o := range orders {
		orders[i].options = append([]string{
			"--save", "", "--appendonly", "no",
			"--protected-mode", "no", // a published port's server sees its clients come from elsewhere
		}, o.options...)
	}
	g, err := startOnFree(ctx, start, orders)
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

// starter starts servers on the ports of their orders, and waits until each answers.
type starter func(context.Context, []order) (*group, error)

// startOnFree starts servers on free ports. One that another program takes meanwhile is tried no longer.
func startOnFree(ctx context.Context, start starter, orders []order) (g *group, err error) {
	for range 4 {
		var held *ports
		if held, err = hold(len(orders)); err != nil {
			return nil, err
		}
		for i := range orders {
			orders[i].port = held.numbers[i]
		}
		if g, err = start(ctx, orders); err == nil {
			end := g.stop
			g.stop = sync.OnceValue(func() error { return errors.Join(end(), held.release()) })
			return g, nil
		}
		if err = errors.Join(err, held.release()); !errors.Is(err, errTaken) {
			return nil, err
		}
	}
	return nil, err
}

// errTaken says that the port which was free is taken by the time that the server binds it.
var errTaken = errors.New("port taken")

// ready returns once the server answers, and not another one that somebody else has started on the same port.
func (s *Server) ready(ctx context.Context) error {
	err := await(ctx, s.Addr, func() error { return s.alive(ctx) })
	if err == nil {
		var own map[string]string
		if own, err = info(ctx, s.Addr, "server"); err == nil {
			if own["config_file"] == s.dir+"/conf" {
				return nil
			}
			err = errTaken
		}
	}
	text := s.log(ctx)
	if strings.Contains(text, "Address already in use") {
		err = errors.Join(err, errTaken)
	}
	return fmt.Errorf("%w\n%s", err, text)
}

// addrs are the addresses of servers.
func addrs(all []*Server) []string {
	addrs := make([]string, len(all))
	for i, s := range all {
		addrs[i] = s.Addr
	}
	return addrs
}

// find returns what starts servers of that kind here: in a container if an engine has or gets an
// image, else, and where the engine fails, as a program of this machine.
func find(k Kind) (starter, error) {
	if e := usable(); e != nil && k.Image != "" {
		if image := e.imageOf(k); image != "" {
			return func(ctx context.Context, orders []order) (*group, error) { return e.startElse(ctx, k, image, orders) }, nil
		}
	}
	if b := findBinary(k); b != nil {
		return b.start, nil
	}
	return nil, fmt.Errorf(`no server for %s: run "go run ./bench/test", which builds the image or installs the server`, k.Name)
}

// startElse starts servers in a container, or as programs if the engine can't.
func (e *engine) startElse(ctx context.Context, k Kind, image string, orders []order) (*group, error) {
	g, err := e.start(ctx, k, image, orders)
	if !errors.Is(err, errEngine) || ctx.Err() != nil {
		return g, err
	}
	b, noProgram := program(ctx, k)
	if noProgram != nil {
		return nil, errors.Join(err, noProgram)
	}
	e.broken.Store(true)
	return b.start(ctx, orders)
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

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

// Attributes of tests that use a server (see testing.TB.Attr). The command bench/test counts tests by server with them.
const (
	AttrServer = "weir.server" // "Redis 7.0.15 · container redis:7.0"
	AttrKind   = "weir.kind"   // "redis-7.0"
)

// Server is a running server.
type Server struct {
	Kind      Kind
	Addr      string // the address for clients and for the server's peers: "127.0.0.1:12345"
	Contained bool   // whether it is in a container that shares this machine's network, so that a [Program] can reach it
	Name      string // the name that the server reports: "Redis" or "Valkey"
	Version   string // "7.0.15"
	How       string // "container redis:7.0" or "binary /usr/bin/redis-server"

	dir   string                                                         // its working directory
	shell func(ctx context.Context, script string, args ...string) error // runs a script on the server's host
	alive func(context.Context) error                                    // returns an error if it has ended
	log   func(context.Context) string                                   // returns its output
	stop  func() error

	shifts bool // whether its clock can be set
}

// String returns the server's name, its version and where it is from.
func (s *Server) String() string { return s.Name + " " + s.Version + " · " + s.How }

// Close stops the server and removes its files. For a node of a [Cluster] or [Sentinel], close the Cluster or Sentinel instead.
func (s *Server) Close() error { return s.stop() }

// Run starts a server outside a test. args are further options, such as "--maxmemory", "1mb". The
// caller must close the server.
func Run(ctx context.Context, k Kind, args ...string) (*Server, error) {
	g, err := launch(ctx, k, order{options: args})
	if err != nil {
		return nil, err
	}
	return g.servers[0], nil
}

// RunUnder starts a server as a process under a tool such as valgrind, even if there is a Docker engine. It appends the server's
// command to tool. If no program is installed, it unpacks one. The caller must close the server.
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

// program returns the program of a server, and unpacks it if necessary.
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

// order holds the arguments for the start of a server.
type order struct {
	options  []string
	port     int    // on 127.0.0.1; held until the server is stopped
	faketime []byte // the library for a clock that can be set, or nil
}

// command returns the command that starts the server in a directory, listening on its port at host.
func (o order) command(program []string, dir, host string) []string {
	c := append(slices.Clone(program), dir+"/conf", "--bind", host, "--port", strconv.Itoa(o.port), "--dir", dir)
	return append(c, o.options...)
}

// group holds servers that are started and stopped together.
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

// launchBy is like launch, with the given starter.
func launchBy(ctx context.Context, start starter, k Kind, orders ...order) (*group, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*healthTimeout)
	defer cancel()
	for i, o := range orders {
		orders[i].options = append([]string{
			"--save", "", "--appendonly", "no",
			"--protected-mode", "no", // behind a published port, clients don't seem to be local
		}, o.options...)
	}
	g, err := startOnFree(ctx, start, orders)
	if err != nil {
		return nil, fmt.Errorf("can't start %s: %w", k.Name, err)
	}
	name, version, err := identify(ctx, g.servers[0].Addr)
	if err != nil {
		_ = g.stop()
		return nil, fmt.Errorf("can't start %s: %w", k.Name, err)
	}
	for i, s := range g.servers {
		s.Kind, s.Name, s.Version, s.stop = k, name, version, g.stop
		s.shifts = orders[i].faketime != nil
	}
	return g, nil
}

// starter starts servers on the ports of their orders, and waits until each answers.
type starter func(context.Context, []order) (*group, error)

// startOnFree starts servers on free ports. If another program takes a port meanwhile, it tries other ports.
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

// errTaken is the error of a server whose port was free, but is taken when the server binds it.
var errTaken = errors.New("port taken")

// ready returns once the server answers. It returns errTaken if another program answers on the same port.
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

// addrs returns the addresses of servers.
func addrs(all []*Server) []string {
	addrs := make([]string, len(all))
	for i, s := range all {
		addrs[i] = s.Addr
	}
	return addrs
}

// find returns a starter for servers of a kind. It starts them in a container if an engine has or can get an image. Otherwise,
// or if the engine fails, it starts them as programs of this machine.
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

// startElse starts servers in a container, or as programs if the engine fails.
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

// Start is like Run, but for one test: it stops the server when the test ends, and an error fails the test.
func Start(tb testing.TB, k Kind, args ...string) *Server {
	tb.Helper()
	s, err := Run(tb.Context(), k, args...)
	if err != nil {
		tb.Fatal(err)
	}
	s.endWith(tb, s.Close)
	return s
}

// endWith marks the test with the server that it uses, and calls stop when the test ends.
func (s *Server) endWith(tb testing.TB, stop func() error) {
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Errorf("can't stop %s: %v", s.Kind.Name, err)
		}
	})
	s.mark(tb)
}

// mark sets attributes of the test that name its server.
func (s *Server) mark(tb testing.TB) {
	tb.Attr(AttrServer, s.String())
	tb.Attr(AttrKind, s.Kind.Name)
}

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	tcexec "github.com/testcontainers/testcontainers-go/exec"
)

// Where the servers of a container are: the first listens on this port and works in directory 0,
// and so on.
const (
	firstPort    = 6379
	containerDir = "/tmp/weir/"
)

// start runs servers in one container and waits until they answer. One for all takes the engine far
// less time than one for each, and they talk to each other like the processes of one machine.
func (e *engine) start(ctx context.Context, k Kind, orders []order) (*group, error) {
	script, ports, files := contents(k, orders)
	ctr, err := testcontainers.Run(ctx, k.Image,
		testcontainers.WithCmd("sh", "-c", script),
		testcontainers.WithExposedPorts(ports...),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
			e.publish(host, ports)
			if len(files) > 0 { // a shifted clock is a file that is read each time
				host.Tmpfs = map[string]string{containerDir: "mode=1777"}
			}
		}),
		testcontainers.WithLabels(owner()),
		testcontainers.WithFiles(files...),
	)
	// Not ctx, which may be what has ended.
	stop := sync.OnceValue(func() error {
		return testcontainers.TerminateContainer(ctr, testcontainers.StopTimeout(0))
	})
	fail := func(err error) (*group, error) { return nil, errors.Join(err, stop()) }
	if err != nil {
		return fail(err)
	}
	at, err := locate(ctx, ctr, ports)
	if err != nil {
		return fail(fmt.Errorf("%w\n%s", err, logs(ctx, ctr)))
	}
	g := &group{stop: stop}
	for i := range orders {
		g.servers = append(g.servers, inContainer(ctr, at[i], containerDir+strconv.Itoa(i)))
		g.servers[i].How = "container " + k.Image
	}
	for i, s := range g.servers {
		if err := s.ready(ctx); err != nil {
			return fail(err)
		}
		if e.loopback {
			s.shorten(ctx, at[i].inside)
		}
	}
	return g, nil
}

// shorten reaches the server at the container's own address, if that leads there: a published port leads
// through the engine's proxy, which accepts connections also for a server that is gone.
func (s *Server) shorten(ctx context.Context, inside string) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	published, err := info(ctx, s.Addr, "server")
	if err != nil {
		return
	}
	direct, err := info(ctx, inside, "server")
	if err != nil || direct["run_id"] != published["run_id"] {
		return
	}
	if s.Announced == s.Addr {
		s.Announced = inside
	}
	s.Addr = inside
}

// contents is what a container runs, listens on and has to have copied into it.
func contents(k Kind, orders []order) (script string, ports []string, files []testcontainers.ContainerFile) {
	const library = "/libfaketime.so.1"
	script = supervise
	for i, o := range orders {
		dir, port := containerDir+strconv.Itoa(i), strconv.Itoa(firstPort+i)
		command := []string{"supervise", dir}
		if o.faketime != nil {
			command = append(command, clockEnv(library, dir)...)
			files = []testcontainers.ContainerFile{
				{Reader: strings.NewReader(string(o.faketime)), ContainerFilePath: library, FileMode: 0o644},
			}
		}
		command = append(command, k.program+"-server", dir+"/conf", "--port", port, "--dir", dir)
		for _, word := range append(command, o.options...) {
			script += "'" + strings.ReplaceAll(word, "'", `'\''`) + "' "
		}
		script += "&\n"
		ports = append(ports, port+"/tcp")
	}
	return script + "wait", ports, files
}

// inContainer is the server of a container that works in a directory.
func inContainer(ctr testcontainers.Container, at place, dir string) *Server {
	running := func(ctx context.Context) error {
		if state, err := ctr.State(ctx); err != nil || state.Running {
			return err
		}
		return errors.New("the server ended")
	}
	return &Server{
		Addr: at.reachable, Inside: at.inside, Announced: at.announced,
		log: func(ctx context.Context) string { return logs(ctx, ctr) },
		ready: func(ctx context.Context) error {
			if err := await(ctx, at.reachable, func() error { return running(ctx) }); err != nil {
				return fmt.Errorf("%w\n%s", err, logs(ctx, ctr))
			}
			return nil
		},
		shell: func(ctx context.Context, script string, args ...string) error {
			code, out, err := ctr.Exec(ctx, append([]string{"sh", "-c", script, "sh", dir}, args...), tcexec.Multiplexed())
			if err != nil {
				return err
			}
			if code != 0 {
				text, _ := io.ReadAll(out)
				return fmt.Errorf("exit status %d: %s", code, strings.TrimSpace(string(text)))
			}
			return nil
		},
	}
}

// place is where a server is, as seen by clients and from inside its container.
type place struct{ reachable, inside, announced string }

// locate finds out where a container's ports are.
func locate(ctx context.Context, ctr testcontainers.Container, ports []string) ([]place, error) {
	host, err := ctr.Host(ctx)
	if err != nil {
		return nil, err
	}
	if host == "localhost" {
		host = "127.0.0.1" // the name may mean ::1 first, where nothing is published
	}
	inside, err := ctr.ContainerIPs(ctx)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, p := range ports {
		published, err := ctr.MappedPort(ctx, p)
		if err != nil {
			return nil, err
		}
		at := place{reachable: net.JoinHostPort(host, strconv.Itoa(int(published.Num())))}
		at.announced = at.reachable
		if len(inside) > 0 {
			at.inside = net.JoinHostPort(inside[0], strings.TrimSuffix(p, "/tcp"))
		}
		if len(ports) > 1 {
			if at.inside == "" {
				return nil, errors.New("the container has no address of its own")
			}
			at.announced = at.inside
		}
		all = append(all, at)
	}
	return all, nil
}

// publish keeps the ports to the loopback interface if that is where tests find them: the servers
// take commands from anyone, without a password.
func (e *engine) publish(host *container.HostConfig, ports []string) {
	if !e.loopback {
		return
	}
	host.PortBindings = network.PortMap{}
	for _, p := range ports {
		host.PortBindings[network.MustParsePort(p)] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1")}}
	}
}

// logs returns what a container has written, for the message of a test that fails.
func logs(ctx context.Context, ctr testcontainers.Container) string {
	r, err := ctr.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	text, _ := io.ReadAll(r)
	return string(text)
}

package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	tcexec "github.com/testcontainers/testcontainers-go/exec"
)

// errApart says that a container which was to share this machine's network shares another's.
var errApart = errors.New("the engine has another network than this machine")

// start runs servers in one container and waits until they answer. One for all takes the engine far
// less time than one for each, and they talk to each other like the processes of one machine.
//
// The container shares the machine's network, if that is the engine's too. If not, as where the engine
// is in a virtual machine or has no rights, the ports are published under the same numbers: then too each
// server is at the same address for its clients and for its peers, which are in the same container.
func (e *engine) start(ctx context.Context, k Kind, image string, orders []order) (*group, error) {
	if !e.apart.Load() {
		g, err := e.startIn(ctx, k, image, orders, true)
		if !errors.Is(err, errApart) {
			return g, err
		}
		e.apart.Store(true)
	}
	return e.startIn(ctx, k, image, orders, false)
}

// startIn does that, in the machine's network or not.
func (e *engine) startIn(ctx context.Context, k Kind, image string, orders []order, shared bool) (*group, error) {
	dir := "/tmp/weir-" + rand.Text() + "/" // by which each server is told from others
	script, files := contents(k, dir, orders, shared)
	reach, exposed := shareNetwork, []string(nil)
	if !shared {
		reach, exposed = publish(orders)
	}
	ctr, err := testcontainers.Run(ctx, image,
		testcontainers.WithCmd("sh", "-c", script),
		testcontainers.WithExposedPorts(exposed...),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
			reach(host)
			if len(files) > 0 { // a shifted clock is a file that is read each time
				host.Tmpfs = map[string]string{dir: "mode=1777"}
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
		if strings.Contains(err.Error(), "already in use") || strings.Contains(err.Error(), "already allocated") {
			return fail(errors.Join(err, errTaken))
		}
		return fail(errors.Join(errEngine, err))
	}
	g := &group{stop: stop}
	for i, o := range orders {
		s := inContainer(ctr, dir+strconv.Itoa(i))
		s.Addr, s.Contained, s.How = loopback(o.port), shared, "container "+image
		g.servers = append(g.servers, s)
	}
	for _, s := range g.servers {
		if err := s.ready(ctx); err != nil {
			return fail(err)
		}
	}
	return g, nil
}

// shareNetwork gives a container the machine's network in place of one of its own.
func shareNetwork(host *container.HostConfig) {
	host.NetworkMode = network.NetworkHost
	host.UsernsMode = "host" // without it, engines that give containers users of their own refuse
}

// publish publishes the servers' ports on the loopback interface alone: they take commands from anyone,
// without a password.
func publish(orders []order) (modify func(*container.HostConfig), exposed []string) {
	bindings := network.PortMap{}
	for _, o := range orders {
		port := strconv.Itoa(o.port)
		exposed = append(exposed, port+"/tcp")
		bindings[network.MustParsePort(port+"/tcp")] = []network.PortBinding{
			{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: port},
		}
	}
	return func(host *container.HostConfig) { host.PortBindings = bindings }, exposed
}

// Where the network is this machine's, what holds the first server's port is seen to listen: a line of
// /proc/net/tcp has the port in hexadecimal and the state 0A. Else no server starts.
const shareCheck = `
while :; do
	read -r _ local _ state _ || { echo '%[2]s'; exit 1; }
	case "$local $state" in *":%04[1]X 0A") break ;; esac
done </proc/net/tcp
`

// contents are the command of a container, and the files that are copied into it.
func contents(k Kind, dir string, orders []order, shared bool) (script string, files []testcontainers.ContainerFile) {
	const library = "/libfaketime.so.1"
	var text strings.Builder
	host := "0.0.0.0"
	if shared {
		fmt.Fprintf(&text, shareCheck, orders[0].port+toHolder, errApart)
		host = "127.0.0.1"
	}
	text.WriteString(supervise)
	for i, o := range orders {
		dir := dir + strconv.Itoa(i)
		command := []string{"supervise", dir}
		if o.faketime != nil {
			command = append(command, clockEnv(library, dir)...)
			files = []testcontainers.ContainerFile{
				{Reader: strings.NewReader(string(o.faketime)), ContainerFilePath: library, FileMode: 0o644},
			}
		}
		for _, word := range append(command, o.command([]string{k.program + "-server"}, dir, host)...) {
			text.WriteString("'" + strings.ReplaceAll(word, "'", `'\''`) + "' ")
		}
		text.WriteString("&\n")
	}
	text.WriteString("wait")
	return text.String(), files
}

// inContainer is the server of a container that works in a directory.
func inContainer(ctr testcontainers.Container, dir string) *Server {
	return &Server{
		dir: dir,
		log: func(ctx context.Context) string { return logs(ctx, ctr) },
		alive: func(ctx context.Context) error {
			text := logs(ctx, ctr)
			if strings.Contains(text, errApart.Error()) {
				return errApart
			}
			if strings.Contains(text, ended(dir)) {
				return errors.New("the server ended")
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

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

// errApart is the error of a container that was to share this machine's network, but has the network of another.
var errApart = errors.New("the engine has another network than this machine")

// start runs servers in one container and waits until they answer. A single container starts much faster than one for each
// server, and the servers can reach each other like processes of one machine.
//
// The container shares the machine's network if the engine uses that network too. Otherwise, for example if the engine runs
// in a virtual machine or without root, the ports are published with the same numbers. So each server has the same address
// for its clients and for its peers, which are in the same container.
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

// startIn starts the container. shared says whether it shares the machine's network.
func (e *engine) startIn(ctx context.Context, k Kind, image string, orders []order, shared bool) (*group, error) {
	dir := "/tmp/weir-" + rand.Text() + "/" // a unique name, which identifies the servers' processes
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
			if len(files) > 0 { // a shifted clock is a file that the server reads often
				host.Tmpfs = map[string]string{dir: "mode=1777"}
			}
		}),
		testcontainers.WithLabels(owner()),
		testcontainers.WithFiles(files...),
	)
	// It doesn't use ctx, which may have ended.
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

// shareNetwork makes a container use the machine's network.
func shareNetwork(host *container.HostConfig) {
	host.NetworkMode = network.NetworkHost
	host.UsernsMode = "host" // engines with user namespaces refuse the host's network otherwise
}

// publish publishes the servers' ports on the loopback interface only, because the servers have no password.
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

// shareCheck checks that the container's network is this machine's. Then /proc/net/tcp shows the listener with which this
// process holds the first server's port: a line with the port in hexadecimal and the state 0A. Otherwise no server starts.
const shareCheck = `
while :; do
	read -r _ local _ state _ || { echo '%[2]s'; exit 1; }
	case "$local $state" in *":%04[1]X 0A") break ;; esac
done </proc/net/tcp
`

// contents returns the script that a container runs, and the files that are copied into it.
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

// inContainer returns the server of a container that works in the directory.
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

// logs returns the output of a container, for the message of a failed test.
func logs(ctx context.Context, ctr testcontainers.Container) string {
	r, err := ctr.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	text, _ := io.ReadAll(r)
	return string(text)
}

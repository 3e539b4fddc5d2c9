package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

const serverPort = "6379/tcp"

// start runs a server in a container and waits until it answers.
func (e *engine) start(ctx context.Context, k Kind, args []string) (*Server, error) {
	ctr, err := testcontainers.Run(ctx, k.Image,
		testcontainers.WithCmd(append([]string{k.program + "-server"}, args...)...),
		testcontainers.WithExposedPorts(serverPort),
		testcontainers.WithHostConfigModifier(e.publish),
		testcontainers.WithLabels(owner()),
	)
	// Not ctx, which may be what has ended.
	stop := func() error { return testcontainers.TerminateContainer(ctr, testcontainers.StopTimeout(0)) }
	fail := func(err error) (*Server, error) { return nil, errors.Join(err, stop()) }
	if err != nil {
		return fail(err)
	}
	host, err := ctr.Host(ctx)
	if err != nil {
		return fail(err)
	}
	if host == "localhost" {
		host = "127.0.0.1" // the name may mean ::1 first, where nothing is published
	}
	port, err := ctr.MappedPort(ctx, serverPort)
	if err != nil {
		return fail(fmt.Errorf("%w\n%s", err, logs(ctx, ctr)))
	}
	addr := net.JoinHostPort(host, strconv.Itoa(int(port.Num())))
	running := func() error {
		if state, err := ctr.State(ctx); err != nil || state.Running {
			return err
		}
		return errors.New("the server ended")
	}
	if err := await(ctx, addr, running); err != nil {
		return fail(fmt.Errorf("%w\n%s", err, logs(ctx, ctr)))
	}
	return &Server{Addr: addr, How: "container " + k.Image, stop: stop}, nil
}

// publish keeps the port to the loopback interface if that is where tests find it: the server takes
// commands from anyone, without a password.
func (e *engine) publish(host *container.HostConfig) {
	if e.loopback {
		host.PortBindings = network.PortMap{
			network.MustParsePort(serverPort): {{HostIP: netip.MustParseAddr("127.0.0.1")}},
		}
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

// Labels that tell whose a container is.
const (
	labelHost = "weir.test.host"
	labelPid  = "weir.test.pid"
	labelRun  = "weir.test.run"
)

// runEnv names the variable through which the test command tells test binaries which run they are
// part of.
const runEnv = "WEIR_TEST_RUN"

// owner returns the labels of this process.
func owner() map[string]string {
	host, _ := os.Hostname()
	return map[string]string{
		labelHost: host,
		labelPid:  strconv.Itoa(os.Getpid()),
		labelRun:  os.Getenv(runEnv),
	}
}

// sweep removes containers whose process has ended without removing them, and all those of a run
// if one is named.
func (e *engine) sweep(ctx context.Context, run string) error {
	all, err := e.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: client.Filters{}.Add("label", labelPid),
	})
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	var errs []error
	for _, c := range all.Items {
		ofRun := run != "" && c.Labels[labelRun] == run
		if !ofRun && (c.Labels[labelHost] != host || alive(c.Labels[labelPid])) {
			continue
		}
		_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		// Gone, or going: the owner or the reaper has come first.
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// alive tells whether a process is there. When in doubt it is, for else its containers are removed.
func alive(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return true
	}
	// Inside a container nobody may ever collect what has ended, so that its id stays taken.
	if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil {
		state := stat[bytes.LastIndexByte(stat, ')')+1:]
		return !bytes.HasPrefix(state, []byte(" Z"))
	}
	p, err := os.FindProcess(n)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

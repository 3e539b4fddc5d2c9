package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// untilEOF supervises a server until that ends by itself or standard input does, and then removes
// its directory. As the test process holds the other end of the input, the server never outlives
// it, however it ends. Ctrl-C reaches this shell too, and must not keep it from tidying up.
const untilEOF = supervise + `
trap "" INT
exec 3<&0
{
	read -r _ <&3
	: >"$1/end"
	read -r pid <"$1/pid" && kill -9 "$pid"
} >/dev/null 2>&1 &
watcher=$!
supervise "$@"
status=$?
kill "$watcher" 2>/dev/null
rm -rf "$1"
exit $status`

// errTaken says that the port which was free is taken by the time that the server binds it.
var errTaken = errors.New("port taken")

// start runs the program as often as there are orders.
func (b *binary) start(ctx context.Context, orders []order) (*group, error) {
	g := &group{servers: make([]*Server, len(orders))}
	stops := make([]func() error, len(orders))
	errs := make([]error, len(orders))
	var wg sync.WaitGroup
	for i, o := range orders {
		wg.Go(func() {
			if g.servers[i], errs[i] = b.run(ctx, o); errs[i] == nil {
				stops[i] = g.servers[i].stop
			}
		})
	}
	wg.Wait()
	g.stop = sync.OnceValue(func() error {
		var errs []error
		for _, stop := range stops {
			if stop != nil {
				errs = append(errs, stop())
			}
		}
		return errors.Join(errs...)
	})
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, g.stop())
	}
	return g, nil
}

// run runs the program on a free port and waits until it answers.
func (b *binary) run(ctx context.Context, o order) (*Server, error) {
	for range 4 {
		if s, err := b.try(ctx, o); !errors.Is(err, errTaken) {
			return s, err
		}
	}
	return b.try(ctx, o)
}

// try does that on one port.
func (b *binary) try(ctx context.Context, o order) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := process{name: b.path, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	if p.dir, err = os.MkdirTemp("", "weir-server-"); err != nil {
		return nil, err
	}
	err = p.start(b.command, o, port)
	if err == nil {
		err = p.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return &Server{
		Addr: p.addr, Announced: p.addr, How: "binary " + b.path,
		shell: p.shell, ready: p.ready, log: p.log, stop: p.stop,
	}, nil
}

// process is a server that is a process of this machine.
type process struct {
	name, addr, dir string

	out   *os.File  // kept open, as by its name it goes with the directory
	input io.Closer // what keeps the server from ending
	ended chan struct{}
	state *os.ProcessState // once it has ended
}

// start starts the process under a shell.
func (p *process) start(command []string, o order, port int) (err error) {
	argv := []string{"-c", untilEOF, "sh", p.dir}
	if o.faketime != nil {
		library := filepath.Join(p.dir, "libfaketime.so.1")
		if err := os.WriteFile(library, o.faketime, 0o600); err != nil {
			return err
		}
		argv = append(argv, clockEnv(library, p.dir)...)
	}
	argv = append(argv, command...)
	argv = append(argv, filepath.Join(p.dir, "conf"), "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", p.dir)
	cmd := exec.Command("/bin/sh", append(argv, o.options...)...)
	if p.out, err = os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.input, p.ended = input, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		p.state = cmd.ProcessState
		close(p.ended)
	}()
	return nil
}

// ready returns once the process answers.
func (p *process) ready(ctx context.Context) error {
	err := await(ctx, p.addr, func() error {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %v", p.name, p.state)
		default:
			return nil
		}
	})
	if err == nil {
		err = checkPid(ctx, p.addr, filepath.Join(p.dir, "pid"))
	}
	if err == nil {
		return nil
	}
	text := p.log(ctx)
	if strings.Contains(text, "Address already in use") {
		err = errors.Join(err, errTaken)
	}
	return fmt.Errorf("%w\n%s", err, text)
}

// log returns what the process has written.
func (p *process) log(context.Context) string {
	text, _ := io.ReadAll(io.NewSectionReader(p.out, 0, 1<<20))
	return string(text)
}

// shell runs a script as the shell that supervises the process would.
func (p *process) shell(ctx context.Context, script string, args ...string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, "sh", p.dir}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// stop ends the process, if it was started, and removes what it leaves.
func (p *process) stop() error {
	if p.input != nil {
		_ = p.input.Close()
		<-p.ended
	}
	if p.out != nil {
		_ = p.out.Close()
	}
	return os.RemoveAll(p.dir) // for a shell that was killed
}

// checkPid makes sure that it is the server just started that answers, and not one that somebody
// else has started on the same port.
func checkPid(ctx context.Context, addr, file string) error {
	fields, err := info(ctx, addr, "server")
	if err != nil {
		return err
	}
	pid, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(pid)) != fields["process_id"] {
		return errTaken
	}
	return nil
}

// freePort finds a port of the loopback interface that nobody uses, nor the one 10000 above it,
// where a cluster's node talks to its peers. Both are below those that the system gives to outgoing
// connections, so that a killed server finds its port free when it is revived.
func freePort() (int, error) {
	var err error
	for range 50 {
		port := 10000 + rand.IntN(12000) //nolint:gosec // not a secret
		if err = errors.Join(tryPort(port), tryPort(port+10000)); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func tryPort(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}

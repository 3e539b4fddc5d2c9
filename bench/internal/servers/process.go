package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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

// run runs the program and waits until it answers.
func (b *binary) run(ctx context.Context, o order) (*Server, error) {
	dir, err := os.MkdirTemp("", "weir-server-")
	if err != nil {
		return nil, err
	}
	p := process{name: b.path, dir: dir}
	s := &Server{
		Addr: loopback(o.port), How: "binary " + b.path,
		dir: dir, shell: p.shell, alive: p.alive, log: p.log, stop: p.stop,
	}
	if err = p.start(b.command, o); err == nil {
		err = s.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return s, nil
}

// process is a server that is a process of this machine.
type process struct {
	name, dir string

	out   *os.File  // kept open, as by its name it goes with the directory
	input io.Closer // what keeps the server from ending
	ended chan struct{}
	state *os.ProcessState // once it has ended
}

// start starts the process under a shell.
func (p *process) start(program []string, o order) (err error) {
	argv := []string{"-c", untilEOF, "sh", p.dir}
	if o.faketime != nil {
		library := filepath.Join(p.dir, "libfaketime.so.1")
		if err := os.WriteFile(library, o.faketime, 0o600); err != nil {
			return err
		}
		argv = append(argv, clockEnv(library, p.dir)...)
	}
	cmd := exec.Command("/bin/sh", append(argv, o.command(program, p.dir, "127.0.0.1")...)...)
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

// alive says how the process has ended, if it has.
func (p *process) alive(context.Context) error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended: %v", p.name, p.state)
	default:
		return nil
	}
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

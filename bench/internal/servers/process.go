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

// untilEOF is a shell script that supervises a server until the server or the standard input ends, and then removes the
// server's directory. The test process holds the other end of the input, so the server never outlives it. The script ignores
// Ctrl-C, so that it can clean up.
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

// start runs the program once for each order.
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

// process is a server that runs as a process of this machine.
type process struct {
	name, dir string

	out   *os.File  // stays open, as the file is removed with the directory
	input io.Closer // the server ends when this is closed
	ended chan struct{}
	state *os.ProcessState // set when ended is closed
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

// alive returns an error with the exit status if the process has ended.
func (p *process) alive(context.Context) error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended: %v", p.name, p.state)
	default:
		return nil
	}
}

// log returns the output of the process.
func (p *process) log(context.Context) string {
	text, _ := io.ReadAll(io.NewSectionReader(p.out, 0, 1<<20))
	return string(text)
}

// shell runs a script with the shell that also runs the supervising script.
func (p *process) shell(ctx context.Context, script string, args ...string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, "sh", p.dir}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// stop ends the process, if it was started, and removes its files.
func (p *process) stop() error {
	if p.input != nil {
		_ = p.input.Close()
		<-p.ended
	}
	if p.out != nil {
		_ = p.out.Close()
	}
	return os.RemoveAll(p.dir) // the script does this too, unless it was killed
}

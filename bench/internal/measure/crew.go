package measure

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/go-weir/weir/bench/internal/procgroup"
	"github.com/go-weir/weir/bench/shared/round"
)

// workerPackage is the program that calls the limiters. It is in a separate module, so that this program doesn't depend on
// the libraries of those limiters.
const workerPackage = "github.com/go-weir/weir/bench/peers"

// build builds the worker in dir and returns its path.
func build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "peers")
	command := exec.CommandContext(ctx, "go", "build", "-o", path, workerPackage)
	if command.Dir = source(); command.Dir == "" {
		if version := installed(); version != "" {
			command = exec.CommandContext(ctx, "go", "install", workerPackage+"@"+version)
			command.Env = append(os.Environ(), "GOBIN="+dir)
		}
	}
	if out, err := command.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		said := strings.TrimSpace(string(out))
		if last := strings.LastIndexByte(said, '\n'); last >= 0 {
			said = said[last+1:]
		}
		return "", fmt.Errorf("can't build the limiters: %w: %s; want Go, and a checkout of the repository or a network", err, said)
	}
	return path, nil
}

// source returns the folder of the worker in the checkout that this program was built from, or "" if it doesn't exist.
func source() string {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", "peers")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// installed returns the version of this program's module if "go install" has built it, or else "". The worker's module has
// the same version.
func installed() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}

// crew holds the worker processes. A worker ends when its standard input is closed, and so also when this process dies.
type crew struct{ workers []*worker }

type worker struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	orders  *gob.Encoder
	answers *gob.Decoder
	stderr  bytes.Buffer // may be read after dismiss
	dismiss func()       // ends the process and waits for it; later calls do nothing
}

// hire starts workers, and returns the limiters that they can measure.
func hire(path string, count int, setup round.Setup) (*crew, []round.Limiter, error) {
	c := &crew{}
	var limiters []round.Limiter
	for i := range count {
		setup.Worker = i
		w, err := start(path, setup)
		if err != nil {
			c.dismiss()
			return nil, nil, err
		}
		c.workers = append(c.workers, w)
	}
	for _, w := range c.workers {
		var ready round.Ready
		err := w.answers.Decode(&ready)
		if err != nil {
			err = w.failure(err)
		} else if ready.Err != "" {
			err = errors.New(ready.Err)
		}
		if err != nil {
			c.dismiss()
			return nil, nil, err
		}
		limiters = ready.Limiters
	}
	return c, limiters, nil
}

func start(path string, setup round.Setup) (*worker, error) {
	w := &worker{command: exec.Command(path)}
	w.command.Stderr = &w.stderr
	procgroup.Own(w.command) // Ctrl-C reaches this process only, which then ends the workers
	var err error
	if w.stdin, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	w.dismiss = sync.OnceFunc(func() {
		_ = w.stdin.Close()
		_ = w.command.Process.Kill()
		_ = w.command.Wait()
	})
	w.orders, w.answers = gob.NewEncoder(w.stdin), gob.NewDecoder(stdout)
	if err := w.orders.Encode(setup); err != nil {
		return nil, w.failure(err)
	}
	return w, nil
}

// do splits an order among the workers, has them carry out their parts at the same time, and returns their tallies. With
// fewer goroutines than workers, only that many workers take part. If ctx ends first, do dismisses the workers.
func (c *crew) do(ctx context.Context, order round.Order) ([]round.Tally, error) {
	busy := c.workers[:min(len(c.workers), order.Goroutines)]
	tallies, errs := make([]round.Tally, len(busy)), make([]error, len(busy))
	stop := context.AfterFunc(ctx, c.dismiss)
	defer stop()
	var all sync.WaitGroup
	for i, w := range busy {
		part := order
		part.Workers = len(busy)
		part.Rate = order.Rate / float64(len(busy))
		part.Goroutines = share(order.Goroutines, i, len(busy))
		part.Calls = share(order.Calls, i, len(busy))
		all.Go(func() {
			if err := w.orders.Encode(part); err != nil {
				errs[i] = w.failure(err)
			} else if err := w.answers.Decode(&tallies[i]); err != nil {
				errs[i] = w.failure(err)
			} else if tallies[i].Err != "" {
				errs[i] = errors.New(tallies[i].Err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return tallies, errors.Join(errs...)
}

// pids returns the process IDs of the workers.
func (c *crew) pids() (all []int) {
	for _, w := range c.workers {
		all = append(all, w.command.Process.Pid)
	}
	return all
}

// share returns the size of the i-th of n nearly equal parts of a whole.
func share(whole, i, n int) int { return whole*(i+1)/n - whole*i/n }

// failure ends a worker that has failed. It returns an error with the first line that the worker wrote to standard error.
func (w *worker) failure(err error) error {
	w.dismiss()
	said := strings.TrimSpace(w.stderr.String())
	if first, _, more := strings.Cut(said, "\n"); more {
		said = first
	}
	return fmt.Errorf("a worker has ended: %w: %s", err, said)
}

// dismiss ends the workers.
func (c *crew) dismiss() {
	for _, w := range c.workers {
		w.dismiss()
	}
}

// workshop makes a temporary folder in which the worker is built.
func workshop() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "weir-measure-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

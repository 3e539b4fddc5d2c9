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

// workerPackage is the program that calls the limiters. It is a module of its own, so that the dependencies of other libraries
// are no dependencies of this program.
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
		return "", fmt.Errorf("the limiters to measure can't be built: %w: %s; it takes Go, and a checkout of the repository or a network", err, said)
	}
	return path, nil
}

// source is a folder of the checkout that this program was built from, or "", the current one, where that
// is no more.
func source() string {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", "peers")
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// installed is the version of this program's module, if "go install" has built it, or else "". The worker has the
// same.
func installed() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}

// crew is the worker processes. They end with this process, whatever becomes of it: they read from it.
type crew struct{ workers []*worker }

type worker struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	orders  *gob.Encoder
	answers *gob.Decoder
	stderr  bytes.Buffer // to be read when it is dismissed
	dismiss func()       // ends it, and waits for that; all but the first call do nothing
}

// hire starts workers, and returns what they can measure.
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
	procgroup.Own(w.command) // Ctrl-C is for this process alone, which then ends them
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

// do has the workers do their parts of an order at the same time, as many as there are goroutines for, and
// returns what came of it. If ctx ends first they are dismissed.
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

// pids are those of the workers' processes.
func (c *crew) pids() (all []int) {
	for _, w := range c.workers {
		all = append(all, w.command.Process.Pid)
	}
	return all
}

// share is the i-th of n parts of a whole.
func share(whole, i, n int) int { return whole*(i+1)/n - whole*i/n }

// failure ends a worker that has failed, and says why as far as it has said so itself.
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

// workshop is where the worker is built.
func workshop() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "weir-measure-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

package leases

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// worker is a worker process as its parent sees it.
type worker struct {
	job     Job
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  strings.Builder
}

func hire(job Job) (*worker, error) {
	command, err := workerEnv.Command()
	if err != nil {
		return nil, err
	}
	w := &worker{job: job, command: command}
	w.command.Stderr = &w.stderr
	if w.stdin, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	if w.stdout, err = w.command.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	if err := gob.NewEncoder(w.stdin).Encode(job); err != nil {
		w.kill()
		return nil, err
	}
	if _, err := io.ReadFull(w.stdout, make([]byte, len(ready))); err != nil {
		w.kill()
		return nil, fmt.Errorf("leases: a worker has not begun: %w; %s", err, strings.TrimSpace(w.stderr.String()))
	}
	return w, nil
}

func (w *worker) kill() {
	_ = w.command.Process.Kill()
	_ = w.command.Wait()
}

// report stops the worker and returns its calls.
func (w *worker) report() (calls []Call, err error) {
	_ = w.stdin.Close()
	if err := gob.NewDecoder(w.stdout).Decode(&calls); err != nil {
		w.kill()
		return nil, fmt.Errorf("leases: a worker ended: %w; %s", err, strings.TrimSpace(w.stderr.String()))
	}
	return calls, w.command.Wait()
}

// leastKills is the least number of workers that are killed, even on a slow machine.
const leastKills = 3

// Run starts a worker for each job, and returns the calls of the workers that are alive after the given time. Meanwhile it
// repeatedly kills a random worker with SIGKILL, and starts another one in its place.
func Run(ctx context.Context, jobs []Job, lasts time.Duration) (calls []Call, kills int, err error) {
	var crew []*worker
	defer func() {
		for _, w := range crew {
			w.kill() // this has no effect on those that have ended
		}
	}()
	next := int64(1)
	start := func(job Job) error {
		job.Worker = next
		next++
		w, err := hire(job)
		if err == nil {
			crew = append(crew, w)
		}
		return err
	}
	for _, job := range jobs {
		if err := start(job); err != nil {
			return nil, 0, err
		}
	}
	for over := time.Now().Add(lasts); kills < leastKills || time.Now().Before(over); {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(time.Duration(100+rand.IntN(200)) * time.Millisecond): //nolint:gosec // any will do
		}
		i := rand.IntN(len(crew)) //nolint:gosec // any will do
		killed := crew[i]
		killed.kill()
		kills++
		crew = append(crew[:i], crew[i+1:]...)
		if err := start(killed.job); err != nil {
			return nil, 0, err
		}
	}
	reports, errs := make([][]Call, len(crew)), make([]error, len(crew))
	var all sync.WaitGroup
	for i, w := range crew {
		all.Go(func() { reports[i], errs[i] = w.report() })
	}
	all.Wait()
	for _, some := range reports {
		calls = append(calls, some...)
	}
	return calls, kills, errors.Join(errs...)
}

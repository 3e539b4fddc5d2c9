package load

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
)

// A Crew is a number of workers that work at the same time.
type Crew struct{ workers []*worker }

// worker is a worker process as its parent sees it.
type worker struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	stderr  bytes.Buffer
}

// Start starts a worker process for each job and waits until all have connected. They don't call limiters until Begin. They
// end when this process ends, because they read from it.
func Start(jobs []Job) (*Crew, error) {
	crew := &Crew{}
	var errs []error
	for _, job := range jobs {
		w, err := hire(job)
		if err != nil {
			errs = append(errs, err)
			break
		}
		crew.workers = append(crew.workers, w)
	}
	for _, w := range crew.workers {
		if line, err := w.stdout.ReadString('\n'); err != nil || line != lineReady {
			errs = append(errs, w.failure(err))
		}
	}
	if len(errs) > 0 {
		crew.Dismiss()
		return nil, errors.Join(errs...)
	}
	return crew, nil
}

// hire starts one worker.
func hire(job Job) (*worker, error) {
	command, err := workerEnv.Command()
	if err != nil {
		return nil, err
	}
	w := &worker{command: command}
	w.command.Stderr = &w.stderr
	if w.stdin, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.stdout = bufio.NewReaderSize(stdout, 1<<16)
	if err := w.command.Start(); err != nil {
		return nil, err
	}
	if err := gob.NewEncoder(w.stdin).Encode(job); err != nil {
		w.dismiss()
		return nil, err
	}
	return w, nil
}

// Begin makes all workers start their calls.
func (c *Crew) Begin() error {
	var errs []error
	for _, w := range c.workers {
		_, err := io.WriteString(w.stdin, lineBegin)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Enough lets workers with More end when they have made their Calls.
func (c *Crew) Enough() {
	for _, w := range c.workers {
		_, _ = io.WriteString(w.stdin, lineEnough)
	}
}

// Stop makes the workers stop after the calls in progress.
func (c *Crew) Stop() {
	for _, w := range c.workers {
		_ = w.stdin.Close()
	}
}

// Calls waits until all workers have ended, and returns all calls that they made, in no particular order.
func (c *Crew) Calls() ([]Call, error) {
	reports, errs := make([]report, len(c.workers)), make([]error, len(c.workers))
	var all sync.WaitGroup
	for i, w := range c.workers {
		all.Go(func() { reports[i], errs[i] = w.report() })
	}
	all.Wait()
	var calls []Call
	for _, r := range reports {
		calls = append(calls, r.Calls...)
	}
	return calls, errors.Join(errs...)
}

// report waits for the worker's report and its end.
func (w *worker) report() (r report, err error) {
	if err := gob.NewDecoder(w.stdout).Decode(&r); err != nil {
		return r, w.failure(err)
	}
	_ = w.stdin.Close()
	if err := w.command.Wait(); err != nil {
		return r, w.said(err)
	}
	return r, nil
}

// Dismiss ends the workers and discards their calls.
func (c *Crew) Dismiss() {
	for _, w := range c.workers {
		w.dismiss()
	}
}

// failure ends a worker that has failed, and returns an error with the worker's output.
func (w *worker) failure(err error) error {
	_ = w.stdin.Close()
	_ = w.command.Wait()
	return w.said(err)
}

func (w *worker) said(err error) error {
	return fmt.Errorf("load: a worker ended: %w; %s", err, strings.TrimSpace(w.stderr.String()))
}

func (w *worker) dismiss() {
	_ = w.stdin.Close()
	_ = w.command.Process.Kill()
	_ = w.command.Wait()
}

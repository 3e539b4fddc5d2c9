package demo

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/go-weir/weir/bench/internal/procgroup"
)

// A crew is a number of worker processes that serve at one address. All of them accept from one listening socket, which they
// inherit from this process, like the workers of gunicorn. They end when this process ends, because they read from it.
type crew struct {
	url     *url.URL
	workers []*worker
}

type worker struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	stderr  bytes.Buffer // read it only after the process has ended
}

// hire starts workers, and waits until all of them serve.
func hire(count int, s service) (*crew, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close() // the workers keep the socket open
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	c := &crew{url: &url.URL{Scheme: "http", Host: listener.Addr().String()}}
	for range count {
		w, err := start(file)
		if err != nil {
			c.dismiss()
			return nil, fmt.Errorf("a worker can't be started: %w", err)
		}
		c.workers = append(c.workers, w)
	}
	if err := c.serve(s); err != nil {
		c.dismiss()
		return nil, err
	}
	return c, nil
}

// serve sends the workers the service, after all of them have been started: see work.
func (c *crew) serve(s service) error {
	for _, w := range c.workers {
		// This fails only if the worker has ended. Its reason is reported below.
		_ = gob.NewEncoder(w.stdin).Encode(s)
	}
	for _, w := range c.workers {
		if line, err := w.stdout.ReadString('\n'); line != lineReady {
			return w.failure(err)
		}
	}
	return nil
}

// start starts a worker, with the listening socket as its file listenerFile.
func start(listener *os.File) (*worker, error) {
	command, err := workerEnv.Command()
	if err != nil {
		return nil, err
	}
	w := &worker{command: command}
	w.command.ExtraFiles = []*os.File{listener}
	w.command.Stderr = &w.stderr
	procgroup.Own(w.command) // Ctrl-C interrupts only this process, which then ends the workers
	if w.stdin, err = w.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.stdout = bufio.NewReader(stdout)
	return w, w.command.Start()
}

// failure ends a worker that has failed, and returns an error with the worker's output.
func (w *worker) failure(err error) error {
	w.dismiss()
	said := strings.TrimSpace(w.stderr.String())
	if said == "" {
		return fmt.Errorf("a worker has ended: %w", err)
	}
	said, _, _ = strings.Cut(said, "\n")
	return errors.New(said)
}

// dismiss ends the workers.
func (c *crew) dismiss() {
	for _, w := range c.workers {
		w.dismiss()
	}
}

func (w *worker) dismiss() {
	_ = w.stdin.Close()
	_ = w.command.Process.Kill()
	_ = w.command.Wait()
}

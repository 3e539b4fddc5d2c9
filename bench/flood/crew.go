package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/httpload"
)

// A crew is the processes of the web servers.
type crew []*process

type process struct {
	command *exec.Cmd
	stdin   io.Closer
	url     *url.URL
	stderr  strings.Builder
	last    standing
}

// start starts the web servers.
func (f flood) start(redis string) (crew, error) {
	text, err := json.Marshal(job{redis, f.limit, f.coalesce})
	if err != nil {
		return nil, err
	}
	var c crew
	for range f.processes {
		p, err := startProcess(string(text))
		if err != nil {
			c.end()
			return nil, err
		}
		c = append(c, p)
	}
	return c, nil
}

func startProcess(job string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(self)}
	p.command.Env = append(os.Environ(), jobEnv+"="+job)
	p.command.Stderr = &p.stderr
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("a web server did not start: %w", err), p.stop())
	}
	p.url = &url.URL{Scheme: "http", Host: strings.TrimSpace(addr), Path: "/"}
	return p, nil
}

// stop ends a web server, and returns what went wrong at its end.
func (p *process) stop() error {
	_ = p.stdin.Close()
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("a web server: %w: %s", err, p.stderr.String())
	}
	return nil
}

// end ends the web servers that still run.
func (c crew) end() {
	for _, p := range c {
		if p.command.ProcessState == nil {
			_ = p.command.Process.Kill()
			_ = p.stop()
		}
	}
}

// flood sends the requests. Meanwhile it prints the web servers' standing ten times, but not more
// than once a second.
func (c crew) flood(ctx context.Context, f flood) error {
	var all sync.WaitGroup
	for _, p := range c {
		load := httpload.Load{
			Method: http.MethodGet, URL: p.url, Connections: max(f.connections/len(c), 1), For: f.lasts, Timeout: time.Minute,
		}
		all.Go(func() { load.Run(ctx, func(*httpload.Result) {}) })
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	tick := time.NewTicker(max(f.lasts/10, time.Second))
	defer tick.Stop()
	began := time.Now()
	for {
		select {
		case <-done:
			return ctx.Err()
		case <-tick.C:
			if err := c.ask(ctx); err != nil {
				return err
			}
			c.line(time.Since(began))
		}
	}
}

// ask asks each web server for its standing.
func (c crew) ask(ctx context.Context) error {
	for _, p := range c {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url.JoinPath("standing").String(), nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		err = json.NewDecoder(answer.Body).Decode(&p.last)
		_ = answer.Body.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// line prints the memory of the web servers.
func (c crew) line(since time.Duration) {
	fmt.Printf("%6.0fs", since.Seconds())
	for i, p := range c {
		fmt.Printf("   process %d: %d answered, heap %.1f MB, %d goroutines", i+1,
			p.last.Admitted+p.last.Denied+p.last.Failed, float64(p.last.Heap)/1e6, p.last.Goroutines)
	}
	fmt.Println()
}

// report prints what the web servers did, ends them, and returns what was wrong.
func (c crew) report(f flood) error {
	if err := c.ask(context.Background()); err != nil {
		return err
	}
	http.DefaultClient.CloseIdleConnections()
	t := table.NewWriter()
	t.AppendHeader(table.Row{"process", "admitted", "denied", "neither", "median of a decision", "p99", "longest", "heap MB", "goroutines"})
	var admitted int64
	for i, p := range c {
		s := p.last
		admitted += s.Admitted
		t.AppendRow(table.Row{
			i + 1, s.Admitted, s.Denied, s.Failed, s.Median.Round(10 * time.Microsecond), s.P99.Round(10 * time.Microsecond),
			s.Longest.Round(time.Millisecond), fmt.Sprintf("%.1f", float64(s.Heap)/1e6), s.Goroutines,
		})
	}
	fmt.Println(t.Render())
	errs := []error{f.verdict(admitted)}
	for _, p := range c {
		errs = append(errs, p.stop())
		if lines := strings.Count(p.stderr.String(), "\n"); lines > 0 {
			fmt.Printf("a web server logged %d lines, the first: %s", lines, strings.SplitAfterN(p.stderr.String(), "\n", 2)[0])
		}
	}
	return errors.Join(errs...)
}

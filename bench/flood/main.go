// Command flood tests the middleware under a flood of requests: one address sends requests over thousands of connections,
// while Redis is healthy or doesn't answer. It starts web servers, each a process with httplimit's defaults over one Redis. It
// reports how many requests they admit, how long a decision takes, and how much memory they use.
//
//	go run ./bench/flood                                 5,000 connections for 10 s, over a healthy Redis
//	go run ./bench/flood -pause                          the same over a Redis that doesn't answer
//	go run ./bench/flood -pause -coalesce -c 200 -d 10m  shows whether memory grows while Redis doesn't answer
//
// It ends with exit code 1 if fewer requests were admitted than the limit, if more were admitted than the limit and one
// limit more for each process, or if a goroutine is left when a web server has stopped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/go-weir/weir/bench/internal/servers"
)

func main() {
	if job := os.Getenv(jobEnv); job != "" {
		end(serve(job))
		return
	}
	var f flood
	flag.IntVar(&f.connections, "c", 5000, "`connections`, all from one address")
	flag.DurationVar(&f.lasts, "d", 10*time.Second, "the `time` for which they send requests")
	flag.IntVar(&f.processes, "processes", 2, "the number of web `servers`")
	flag.Int64Var(&f.limit, "limit", 5, "how many requests an hour the address may make")
	flag.BoolVar(&f.pause, "pause", false, "pause the Redis server (SIGSTOP) during the test")
	flag.BoolVar(&f.coalesce, "coalesce", false, "send concurrent decisions together, with package coalesce")
	flag.StringVar(&f.kind, "server", "redis:7.0", "the Redis or Valkey `server`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	end(f.run(ctx))
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

type flood struct {
	connections, processes int
	lasts                  time.Duration
	limit                  int64
	pause, coalesce        bool
	kind                   string
}

// run floods the web servers and prints what they did.
func (f flood) run(ctx context.Context) error {
	kind, err := f.server()
	if err != nil {
		return err
	}
	sweep := servers.NewRun()
	defer func() { _ = sweep() }()
	redis, err := servers.Run(ctx, kind)
	if err != nil {
		return err
	}
	defer func() { _ = redis.Close() }()
	crew, err := f.start(redis.Addr)
	if err != nil {
		return err
	}
	defer crew.end()
	if f.pause {
		if err := redis.Pause(ctx); err != nil {
			return err
		}
	}
	fmt.Printf("%d connections from one address, limit %d/hour, %d processes, %s%s\n", f.connections, f.limit, f.processes, redis,
		map[bool]string{true: ", stopped"}[f.pause])
	if err := crew.flood(ctx, f); err != nil {
		return err
	}
	if f.pause {
		if err := redis.Resume(ctx); err != nil {
			return err
		}
	}
	return crew.report(f)
}

// server returns the kind of server that the flag -server names.
func (f flood) server() (servers.Kind, error) {
	var names []string
	for _, kind := range servers.All() {
		if kind.Image == f.kind {
			return kind, nil
		}
		names = append(names, kind.Image)
	}
	return servers.Kind{}, fmt.Errorf("-server %q, want one of %q", f.kind, names)
}

// most is how many requests may be admitted at most: the limit by Redis, and the limit once more by each process.
func (f flood) most() int64 { return f.limit * int64(1+f.processes) }

// verdict returns an error if too many requests were admitted, or too few.
func (f flood) verdict(admitted int64) error {
	switch {
	case admitted > f.most():
		return fmt.Errorf("%d were admitted, at most %d are right", admitted, f.most())
	case admitted < f.limit:
		return fmt.Errorf("%d were admitted, the limit is %d", admitted, f.limit)
	case !f.pause && admitted > f.limit:
		fmt.Printf("%d were admitted, %d more than the limit: Redis did not answer each question in time\n", admitted, admitted-f.limit)
	}
	return nil
}

var errLeft = errors.New("goroutines are left")

// Package demo shows how many requests several processes behind one address admit under one rate limit: if each process
// keeps its own count, if they share a count in a cache, and if Redis decides.
package demo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/httpload"
	"github.com/go-weir/weir/bench/internal/launch"
	"github.com/go-weir/weir/bench/internal/progress"
)

const description = `It starts six processes that serve at one address, as a web application does, and limits them
in three ways: with a log in each process's memory; with a log in a shared cache that is read,
changed and written back, as Django REST framework's throttles do; and with Weir over Redis.
Each way is sent 100 requests over 10s under a limit of 1/second. Then 64 connections send as
many requests as they can, under 10, 100 and 1000 a minute. The output shows how many requests
passed, beside how many the limit allows. It takes a minute. After Ctrl-C the results so far
are printed.

  go run ./bench demo
  go run ./bench demo -html demo.html
  go run ./bench demo -redis redis://127.0.0.1:6379 -algorithms gcra
  go run ./bench demo -processes 1

For comparison, a service in Python admitted of 100 requests over 10s, under 1/second: 10 in one
process, 41 to 46 in six processes with separate counts, and 10 in six processes with a shared
cache. With 64 connections and the shared cache it admitted 35 to 43 under 10 a minute, 305 to
368 under 100, and 3526 to 3831 under 1000.`

// Command returns the command demo.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "demo",
		Usage:       "shows how many requests six processes admit under one limit",
		Description: description,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "processes", Value: 6, Usage: "the number of `PROCESSES` that serve"},
			&cli.StringSliceFlag{Name: "algorithms", Aliases: []string{"algorithm"}, Usage: "only these of Weir's algorithms, by `NAMES`: " + strings.Join(algorithmNames(), ",")},
			&cli.StringFlag{Name: "limit", Value: "1/second", Usage: "the `LIMIT` for the evenly spaced requests (the default is 1/second)"},
			&cli.IntFlag{Name: "requests", Value: 100, Usage: "the number of evenly spaced `REQUESTS`"},
			&cli.DurationFlag{Name: "over", Value: 10 * time.Second, Usage: "the `TIME` over which they are sent"},
			&cli.StringSliceFlag{Name: "burst-limits", Value: []string{"10/minute", "100/minute", "1000/minute"}, Usage: "the `LIMITS` for connections that send as many requests as they can\n(the default is 10/minute,100/minute,1000/minute)"},
			&cli.IntFlag{Name: "connections", Value: 64, Usage: "the number of these `CONNECTIONS`"},
			&cli.DurationFlag{Name: "burst-for", Value: 2 * time.Second, Usage: "the `TIME` for which they send, under each limit"},
			&cli.StringFlag{Name: "redis", Usage: "use the server at this `URL`, or the cluster at several URLs separated by commas\n(the default is to start one, " + launch.DefaultImage + " or whatever there is)"},
			&cli.StringFlag{Name: "html", Usage: "also write a page with a picture to this `FILE`"},
			&cli.StringFlag{Name: "svg", Usage: "also write the picture to this `FILE`, as SVG"},
			&cli.StringFlag{Name: "png", Usage: "also write the picture to this `FILE`, as PNG"},
		},
		Action: action,
	}
}

func action(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return command.Misuse(cmd, "demo takes only flags, not %q", cmd.Args().First())
	}
	p, err := read(cmd)
	if err != nil {
		return err
	}
	to := places{cmd.String("html"), cmd.String("svg"), cmd.String("png")}
	if err := to.check(); err != nil {
		return err
	}
	r, err := p.serverAndAll(ctx, cmd.String("redis"), cmd.Root().ErrWriter)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = errInterrupted
		}
		return err
	}
	if len(r.Outcomes) == 0 {
		return errInterrupted
	}
	r.Command, r.Date = command.Line(cmd), time.Now()
	if err := r.write(to); err != nil {
		return err
	}
	if _, err = io.WriteString(cmd.Root().Writer, r.text()); err == nil && r.Interrupted {
		err = errInterrupted
	}
	return err
}

var errInterrupted = errors.New("interrupted")

// serverAndAll connects to the server or starts it, and carries out the plan.
func (p plan) serverAndAll(ctx context.Context, urls string, shown io.Writer) (r report, err error) {
	wait := progress.Start(shown, progress.Unknown)
	wait.Say("reaching or starting the server")
	var server *launch.Server
	if urls != "" {
		server, err = launch.Reach(ctx, urls)
	} else {
		server, err = launch.Start(ctx, "")
	}
	wait.End()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return p.carryOut(ctx, server, shown)
}

// The largest values of the flags.
const (
	mostProcesses   = 100
	mostRequests    = 100_000
	mostConnections = 10_000
	longest         = time.Hour
)

// read reads the flags.
func read(cmd *cli.Command) (p plan, err error) {
	p.processes = cmd.Int("processes")
	requests, connections := cmd.Int("requests"), cmd.Int("connections")
	over, long := cmd.Duration("over"), cmd.Duration("burst-for")
	switch {
	case p.processes < 1 || p.processes > mostProcesses:
		return p, command.Misuse(cmd, "-processes: %d, want 1 to %d", p.processes, mostProcesses)
	case requests < 1 || requests > mostRequests:
		return p, command.Misuse(cmd, "-requests: %d, want 1 to %d", requests, mostRequests)
	case connections < 1 || connections > mostConnections:
		return p, command.Misuse(cmd, "-connections: %d, want 1 to %d", connections, mostConnections)
	case over < time.Millisecond || over > longest:
		return p, command.Misuse(cmd, "-over: %v, want 1ms to 1h", over)
	case long < time.Millisecond || long > longest:
		return p, command.Misuse(cmd, "-burst-for: %v, want 1ms to 1h", long)
	}
	if p.kinds, err = kindsOf(cmd); err != nil {
		return p, err
	}
	limit, err := algorithms.ParseLimit(cmd.String("limit"))
	if err != nil {
		return p, command.Misuse(cmd, "-limit: %v", err)
	}
	load := httpload.Load{Method: http.MethodGet, Timeout: patience}
	paced := load
	paced.Requests, paced.Over, paced.Fresh = requests, over, true
	p.drives = append(p.drives, drive{limit, paced})
	load.Connections, load.For = connections, long
	for _, text := range cmd.StringSlice("burst-limits") {
		limit, err := algorithms.ParseLimit(strings.TrimSpace(text))
		if err != nil {
			return p, command.Misuse(cmd, "-burst-limits: %v", err)
		}
		p.drives = append(p.drives, drive{limit, load})
	}
	return p, nil
}

// kindsOf returns the kinds that the flags select.
func kindsOf(cmd *cli.Command) (chosen []int, err error) {
	wanted := map[string]bool{}
	for _, name := range cmd.StringSlice("algorithms") {
		wanted[weirs+strings.TrimSpace(name)] = true
	}
	all := len(wanted) == 0
	for i, k := range kinds {
		if all || wanted[k.Name] || !strings.HasPrefix(k.Name, weirs) {
			chosen = append(chosen, i)
		}
		delete(wanted, k.Name)
	}
	for name := range wanted {
		return nil, command.Misuse(cmd, "there is no algorithm %q, want some of %s", strings.TrimPrefix(name, weirs), strings.Join(algorithmNames(), ","))
	}
	return chosen, nil
}

func algorithmNames() (names []string) {
	for _, k := range kinds {
		if algorithm, ok := strings.CutPrefix(k.Name, weirs); ok {
			names = append(names, algorithm)
		}
	}
	return names
}

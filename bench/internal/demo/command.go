// Package demo shows what becomes of a rate limit in several processes behind one address: where each keeps
// its own count, where they share it through a cache, and where Redis decides.
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

const description = `It starts six processes that serve at one address, as a web application's do, and limits
them in three ways: with a count in each process's memory, with a log in a cache that is read,
changed and written back, as Django REST framework's throttles do, and with Weir over Redis.
Each gets 100 requests over 10s under a limit of 1/second, and then as many as 64 connections
can ask, under 10, 100 and 1000 a minute. It tells how many came through beside how many the
limit lets through. It takes a minute. Ctrl-C ends it with what was counted until then.

  go run ./bench demo
  go run ./bench demo -html demo.html
  go run ./bench demo -redis redis://127.0.0.1:6379 -algorithms gcra
  go run ./bench demo -processes 1

A service in Python was seen to let through, of 100 requests over 10s under a limit of 1/second:
10 in one process, 41 to 46 in six that counted each for itself, and 10 in six with a shared
cache. Under 64 connections that cache let through 35 to 43 of 10 a minute, 305 to 368 of 100,
and 3526 to 3831 of 1000.`

// Command returns the command demo.
func Command() *cli.Command {
	return &cli.Command{
		Name:        "demo",
		Usage:       "shows what becomes of a limit in several processes",
		Description: description,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "processes", Value: 6, Usage: "how many `PROCESSES` serve"},
			&cli.StringSliceFlag{Name: "algorithms", Aliases: []string{"algorithm"}, Usage: "only those of Weir's algorithms of these `NAMES`: " + strings.Join(algorithmNames(), ",")},
			&cli.StringFlag{Name: "limit", Value: "1/second", Usage: "the `LIMIT` for requests that come at their times (the default is 1/second)"},
			&cli.IntFlag{Name: "requests", Value: 100, Usage: "how many `REQUESTS` come at their times"},
			&cli.DurationFlag{Name: "over", Value: 10 * time.Second, Usage: "over how long a `TIME` they come"},
			&cli.StringSliceFlag{Name: "burst-limits", Value: []string{"10/minute", "100/minute", "1000/minute"}, Usage: "the `LIMITS` for connections that ask as fast as they can\n(the default is 10/minute,100/minute,1000/minute)"},
			&cli.IntFlag{Name: "connections", Value: 64, Usage: "how many `CONNECTIONS` those are"},
			&cli.DurationFlag{Name: "burst-for", Value: 2 * time.Second, Usage: "for how long a `TIME` they ask, under each limit"},
			&cli.StringFlag{Name: "redis", Usage: "the server at this `URL`, or the cluster at several with commas between\n(the default is to start one, " + launch.DefaultImage + " or whatever there is)"},
			&cli.StringFlag{Name: "html", Usage: "also write a page with a picture to this `FILE`"},
			&cli.StringFlag{Name: "svg", Usage: "also write the picture to this `FILE`, as SVG"},
			&cli.StringFlag{Name: "png", Usage: "the same as PNG to this `FILE`"},
		},
		Action: action,
	}
}

func action(ctx context.Context, cmd *cli.Command) error {
	if cmd.Args().Present() {
		return command.Misuse(cmd, "what is %q? demo takes flags only", cmd.Args().First())
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

// serverAndAll gets the server, and does what is planned there.
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

// What the flags can be.
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

// kindsOf returns the kinds that the flags ask for.
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

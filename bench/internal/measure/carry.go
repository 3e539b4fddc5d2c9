package measure

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/launch"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

// carryOut measures on the server that the flags name, and removes its keys there. If it returns an error, it also returns
// the results that it had until then.
func (a asked) carryOut(ctx context.Context, out, shown io.Writer) (done results.Run, err error) {
	began, average := time.Now(), loadAverage()
	r := &run{plan: a.plan, filled: map[string]bool{}, failed: map[string]bool{}}
	defer func() { err = errors.Join(err, r.end()) }()
	wait := progress.Start(shown, progress.Unknown)
	server, err := a.prepare(ctx, r, wait.Say)
	wait.End()
	if err != nil {
		return done, err
	}
	r.done.Began, r.done.Load = began.UTC().Truncate(time.Second), average
	used := ""
	if !server.Own {
		var note string
		if note, used = r.admin.busy(ctx); note != "" {
			r.done.Notes = append(r.done.Notes, note)
		}
	}
	if _, err := fmt.Fprintln(out, r.expected()); err != nil {
		return done, err
	}
	bar := progress.Start(shown, r.steps())
	defer bar.End()
	r.bar = bar
	err = r.measure(ctx)
	if used != "" {
		r.done.Doubts = append(r.done.Doubts, used)
	}
	doubts, notes := results.FindDoubts(r.done)
	r.done.Doubts, r.done.Notes = append(r.done.Doubts, doubts...), append(r.done.Notes, notes...)
	r.done.Took = time.Since(began).Round(time.Millisecond)
	return r.done, err
}

// prepare reaches or starts the server, and starts the workers. The caller must call end on the run, even after an error.
func (a asked) prepare(ctx context.Context, r *run, say func(string)) (s *launch.Server, err error) {
	dir, remove, err := workshop()
	if err != nil {
		return nil, err
	}
	r.atEnd(func() error { remove(); return nil })
	say("reaching or starting the server")
	if a.urls != "" {
		s, err = launch.Reach(ctx, a.urls)
	} else {
		s, err = launch.Start(ctx, a.image)
	}
	if err != nil {
		return nil, err
	}
	r.atEnd(s.Close)
	r.prefix = "weir-bench-" + strings.ToLower(rand.Text()[:12])
	if r.admin, err = open(ctx, s.Place, r.prefix); err != nil {
		return nil, err
	}
	r.atEnd(r.admin.client.Close)
	name, nodes, err := r.admin.describe(ctx, s.Shape == "embedded")
	if err != nil {
		return nil, err
	}
	say("building the limiters")
	path, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := a.start(ctx, r, s, path); err != nil {
		return nil, err
	}
	r.done = results.Run{
		Command: a.command, Beside: a.beside, Machine: machine(), Server: name, How: s.How, Nodes: nodes, Limiters: r.limiters,
		Notes: slices.Concat(s.Warnings, unfit(r.all, a.limiters)),
	}
	return s, nil
}

// start starts the workers. They end before their keys are removed.
func (a asked) start(ctx context.Context, r *run, s *launch.Server, path string) error {
	r.atEnd(func() error { return r.admin.clean(ctx) })
	place, end, err := delayed(ctx, s.Place, a.delay)
	if err != nil {
		return err
	}
	r.atEnd(end)
	if r.crew, r.all, err = hire(path, a.processes, round.Setup{Place: place, Prefix: r.prefix}); err != nil {
		return err
	}
	r.atEnd(func() error { r.crew.dismiss(); return nil })
	if r.limiters, err = choose(r.all, a.limiters); err != nil {
		return err
	}
	r.watch, err = watching(r.crew.pids(), onThisMachine(s.Place))
	return err
}

// atEnd registers a function for end to call. The function that was registered last is called first.
func (r *run) atEnd(f func() error) { r.ends = append(r.ends, f) }

// end stops everything that the run has started.
func (r *run) end() error {
	var err error
	for _, f := range slices.Backward(r.ends) {
		err = errors.Join(err, f())
	}
	return err
}

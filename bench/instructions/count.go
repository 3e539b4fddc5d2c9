package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/tables"
)

// A subject is something whose instructions are counted: a case with one text of its script, or a case of a peer.
type subject struct {
	name  string
	count func(ctx context.Context, on *counter) (float64, error) // on an empty server
}

// figures are numbers of instructions per decision.
type figures map[entry]float64

// An entry is a subject on a server.
type entry struct{ server, name string }

// starts is how many servers of a kind are started. Each has other random seeds and addresses, which move a count by half a
// percent. The mean of three is the same to 1 % in each run.
const starts = 3

// countAll counts all subjects on all servers. Its error says what could not be counted.
func countAll(ctx context.Context, kinds []servers.Kind, subjects []subject, stderr io.Writer) (figures, error) {
	if err := installValgrind(ctx); err != nil {
		return nil, err
	}
	bar := progress.Start(stderr, len(kinds)*starts*len(subjects))
	defer bar.End()
	counts := figures{}
	var errs []error
	for _, kind := range kinds {
		var results [starts][]result
		var failed [starts]error
		var all sync.WaitGroup
		for i := range starts {
			all.Go(func() { results[i], failed[i] = countOn(ctx, kind, subjects, bar) })
		}
		all.Wait()
		if err := cmp.Or(failed[:]...); err != nil {
			errs = append(errs, err)
			continue
		}
		for i, s := range subjects {
			var sum float64
			var err error
			for _, r := range results {
				sum, err = sum+r[i].count, cmp.Or(err, r[i].err)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s on %s: %w", s.name, kind.Name, err))
				continue
			}
			counts[entry{kind.Name, s.name}] = sum / starts
		}
	}
	return counts, errors.Join(errs...)
}

// result is a count, or the reason why there is none.
type result struct {
	count float64
	err   error
}

// countOn counts all subjects on one server, one after the other.
func countOn(ctx context.Context, kind servers.Kind, subjects []subject, bar progress.Bar) (results []result, err error) {
	c, err := startCounter(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, c.close()) }()
	for _, s := range subjects {
		var r result
		if err := c.empty(ctx); err != nil {
			return nil, err
		}
		r.count, r.err = s.count(ctx, c)
		results = append(results, r)
		bar.Step(1)
	}
	return results, ctx.Err()
}

// render returns the table of counts.
func render(kinds []servers.Kind, subjects []subject, counts figures) string {
	header := table.Row{"thousands of instructions"}
	for _, kind := range kinds {
		header = append(header, kind.Name)
	}
	t := tables.New(header)
	for _, s := range subjects {
		row := table.Row{s.name}
		for _, kind := range kinds {
			cell := "-"
			if n, ok := counts[entry{kind.Name, s.name}]; ok {
				cell = fmt.Sprintf("%.1f", n/1000)
			}
			row = append(row, cell)
		}
		t.AppendRow(row)
	}
	return tables.Render(t)
}

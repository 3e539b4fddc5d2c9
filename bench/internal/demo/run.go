package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/httpload"
	"github.com/go-weir/weir/bench/internal/launch"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/shared/target"
)

// A plan is the load of the demonstration. Each of its drives sends requests to all kinds of limiters under one limit.
type plan struct {
	processes int
	kinds     []int // indexes in the list of all kinds
	drives    []drive
}

// A drive is a load that is sent to each kind under one limit.
type drive struct {
	limit algorithms.Limit
	load  httpload.Load // without a URL
}

// paced reports whether the requests are sent at given times. Then kinds can be driven at the same time without an effect on
// each other.
func (d drive) paced() bool { return d.load.Connections == 0 }

// An outcome is the result of a drive for each kind.
type outcome struct {
	drive
	all []count
}

// A count is the result of one kind in a drive.
type count struct {
	kind     kind
	requests []request // the requests that were decided on, in the order of their answers
	failed   int       // the number of the other requests
	why      string    // why the first of these failed
	admitted []time.Duration
	expected
}

func (c count) refused() int { return len(c.requests) - len(c.admitted) }

// off returns how many more requests were admitted than is right; below 0 it is how many fewer.
func (c count) off() int {
	return len(c.admitted) - min(max(len(c.admitted), c.low), c.high)
}

// A report is the result of the demonstration.
type report struct {
	Server      string
	Command     string
	Date        time.Time
	Warnings    []string
	Processes   string // the number of processes, in words
	Kinds       []kind
	Outcomes    []outcome
	Interrupted bool // whether outcomes are incomplete or missing
}

// path returns the URL path for drive d and kind k.
func (p plan) path(d, k int) string { return fmt.Sprintf("/%s/%d", kinds[k].Name, d+1) }

// carryOut carries out the plan on the server, and removes all its keys.
func (p plan) carryOut(ctx context.Context, server *launch.Server, shown io.Writer) (r report, err error) {
	admin := server.Place.Admin()
	defer admin.Close()
	s := p.service(server.Place)
	if err := s.try(ctx, admin); err != nil {
		return r, err
	}
	info, _ := admin.Info(ctx, "server").Result() // the information is only for the report
	r = report{Server: target.Describe(info) + ", " + server.How, Warnings: server.Warnings, Processes: processes(p.processes)}
	for _, k := range p.kinds {
		r.Kinds = append(r.Kinds, kinds[k])
	}
	c, err := hire(p.processes, s)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.clean(ctx, admin)) }()
	defer c.dismiss() // the workers end before the keys are removed, so they can't write them again
	bar := progress.Start(shown, len(s.Endpoints))
	defer bar.End()
	for d := range p.drives {
		bar.Say(p.drives[d].limit.String() + ", " + p.drives[d].load.String())
		o, err := p.do(ctx, c, d, bar)
		if err != nil {
			return r, err
		}
		if r.Interrupted = ctx.Err() != nil; r.Interrupted && o.empty() {
			break
		}
		if r.Outcomes = append(r.Outcomes, o); r.Interrupted {
			break
		}
	}
	return r, nil
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}

// service returns what the workers serve. No worker serves more connections at a time than its share, so that each of them
// has some.
func (p plan) service(place target.Place) service {
	s := service{Place: place, Prefix: "weir-bench-" + rand.Text(), AtOnce: 1}
	for d, drive := range p.drives {
		s.AtOnce = max(s.AtOnce, (drive.load.Connections+p.processes-1)/p.processes)
		for _, k := range p.kinds {
			s.Endpoints = append(s.Endpoints, endpoint{p.path(d, k), k, drive.limit})
		}
	}
	return s
}

// rights are the rights that the demonstration needs on the server.
const rights = "~weir-bench* +ping +info +@scripting +@read +@write"

// try makes one decision with each limiter, so that an error is reported before the drives.
func (s service) try(ctx context.Context, client redis.UniversalClient) error {
	const key = "first"
	return s.each(client, func(_ endpoint, limiter algorithms.Limiter) error {
		_, err := limiter.Allow(ctx, key)
		if err == nil || ctx.Err() != nil { // the limiter may have written its key
			cleaning, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
			defer cancel()
			err = cmp.Or(ctx.Err(), limiter.Reset(cleaning, key))
		}
		if err != nil && ctx.Err() == nil {
			err = target.Explain(s.Place, rights, err)
		}
		return err
	})
}

// cleanupTime is how long the removal of keys may take.
const cleanupTime = 10 * time.Second

// clean removes all keys, even if ctx has ended.
func (s service) clean(ctx context.Context, client redis.UniversalClient) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	err := s.each(client, func(e endpoint, limiter algorithms.Limiter) error { return limiter.Reset(ctx, e.Path) })
	if err != nil {
		return fmt.Errorf("keys %s:* are left, and expire by themselves: %w", s.Prefix, err)
	}
	return nil
}

// each calls do for the limiter of each endpoint, until there is an error.
func (s service) each(client redis.UniversalClient, do func(endpoint, algorithms.Limiter) error) error {
	for _, e := range s.Endpoints {
		limiter, err := kinds[e.Kind].new(client, e.Limit, s.Prefix)
		if err != nil {
			return fmt.Errorf("%s: %w", kinds[e.Kind].Name, err)
		}
		if err := do(e, limiter); err != nil {
			return err
		}
	}
	return nil
}

// do drives all kinds: at the same time if the drive is paced, else one after the other. If ctx ends meanwhile, the outcome
// has the requests that were answered until then.
func (p plan) do(ctx context.Context, c *crew, d int, bar progress.Bar) (o outcome, err error) {
	o = outcome{p.drives[d], make([]count, len(p.kinds))}
	errs := make([]error, len(p.kinds))
	var all sync.WaitGroup
	for i, k := range p.kinds {
		load := o.load
		load.URL = c.url.JoinPath(p.path(d, k))
		all.Go(func() {
			o.all[i], errs[i] = run(ctx, kinds[k], o.limit, load)
			bar.Step(1)
		})
		if !o.paced() {
			all.Wait()
		}
	}
	all.Wait()
	return o, errors.Join(errs...)
}

// empty reports whether no request has ended.
func (o outcome) empty() bool {
	for _, c := range o.all {
		if len(c.requests)+c.failed > 0 {
			return false
		}
	}
	return true
}

// run drives one kind.
func run(ctx context.Context, k kind, limit algorithms.Limit, load httpload.Load) (c count, err error) {
	c.kind = k
	began := time.Now()
	load.Run(ctx, func(result *httpload.Result) {
		sent := result.Timestamp.Sub(began)
		switch r := (request{sent, sent + result.Latency, int(result.Code)}); r.status {
		case http.StatusOK, http.StatusTooManyRequests:
			c.requests = append(c.requests, r)
		default:
			if c.failed++; c.why == "" {
				c.why = cmp.Or(result.Error, fmt.Sprintf("the answer %d %s", r.status, http.StatusText(r.status)))
			}
		}
	})
	slices.SortFunc(c.requests, func(a, b request) int { return cmp.Compare(a.answered, b.answered) })
	for _, r := range c.requests {
		if r.admitted() {
			c.admitted = append(c.admitted, r.answered)
		}
	}
	c.expected, err = expect(k.algorithm, limit, c.requests)
	return c, err
}

package load

import (
	"bufio"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/bench/internal/reexec"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

const workerEnv = reexec.Env("WEIR_WORKER")

// Middleware wraps a runner, for example in a recorder or with faults.
type Middleware func(scripts.Runner) scripts.Runner

// Main does the job of a worker and ends the process, if the process is a worker. Otherwise it returns. Jobs name the
// middleware that they need.
func Main(middleware map[string]Middleware) {
	workerEnv.Main(func(in io.Reader, out io.Writer) error { return work(middleware, in, out) })
}

// A worker reads its Job and writes lineReady when it has connected. After lineBegin it makes its calls, until it has made
// all of them or its input ends. With Job.More it makes more of them until lineEnough. Then it writes a [report].
const (
	lineReady  = "ready\n"
	lineBegin  = "begin\n"
	lineEnough = "enough\n"
)

// report is a worker's report of its calls.
type report struct{ Calls []Call }

func work(middleware map[string]Middleware, input io.Reader, out io.Writer) error {
	in := bufio.NewReader(input) // a decoder reads no more than it needs from an io.ByteReader
	var job Job
	if err := gob.NewDecoder(in).Decode(&job); err != nil {
		return err
	}
	if err := job.validate(); err != nil {
		return err
	}
	kinds, subjects, closeClient, err := job.subjects(middleware)
	if err != nil {
		return err
	}
	defer closeClient()
	if _, err := io.WriteString(out, lineReady); err != nil {
		return err
	}
	if _, err := in.ReadString('\n'); err != nil {
		return fmt.Errorf("never begun: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	more, enough := context.WithCancel(ctx)
	if !job.More {
		enough()
	}
	go func() {
		defer stop()
		for err := error(nil); err == nil; enough() {
			_, err = in.ReadString('\n')
		}
	}()
	calls := job.do(ctx, more, kinds, subjects)
	buffered := bufio.NewWriterSize(out, 1<<16)
	if err := gob.NewEncoder(buffered).Encode(report{calls}); err != nil {
		return err
	}
	return buffered.Flush()
}

// subjects connects the client and makes the limiters over it.
func (j Job) subjects(
	middleware map[string]Middleware,
) (kinds []subject.Kind, subjects []subject.Subject, closeClient func(), err error) {
	run, closeClient, err := j.Place.Connect(context.Background(), j.Client)
	if err != nil {
		return nil, nil, nil, err
	}
	if run, err = j.wrapped(run, middleware); err != nil {
		closeClient()
		return nil, nil, nil, err
	}
	for _, asked := range j.Asked {
		kind, err := subject.Named(asked.Kind)
		if err == nil {
			var s subject.Subject
			s, err = kind.New(run, asked.Limit, algorithms.WithPrefix(j.Prefix))
			if limiter, ok := s.(subject.Limiter); ok && err == nil && j.Cached {
				s, err = cache(limiter)
			}
			kinds, subjects = append(kinds, kind), append(subjects, s)
		}
		if err != nil {
			closeClient()
			return nil, nil, nil, err
		}
	}
	return kinds, subjects, closeClient, nil
}

// wrapped returns the runner with the middleware of the job, and with package coalesce if the job wants it.
func (j Job) wrapped(run scripts.Runner, middleware map[string]Middleware) (_ scripts.Runner, err error) {
	for _, name := range j.Beneath {
		if run, err = wrap(run, middleware, name); err != nil {
			return nil, err
		}
	}
	if j.Coalesced {
		if run, err = coalesce.New(run); err != nil {
			return nil, err
		}
	}
	for _, name := range j.Through {
		if run, err = wrap(run, middleware, name); err != nil {
			return nil, err
		}
	}
	return run, nil
}

func wrap(run scripts.Runner, middleware map[string]Middleware, name string) (scripts.Runner, error) {
	around, known := middleware[name]
	if !known {
		return nil, fmt.Errorf("load: no middleware %q", name)
	}
	return around(run), nil
}

// cache returns the limiter behind package denialcache.
func cache(l subject.Limiter) (subject.Subject, error) {
	cached, err := denialcache.New(l.Limiter)
	return subject.Limiter{Limiter: cached}, err
}

// do makes the calls, and more until that context has ended. It returns them in no particular order.
func (j Job) do(ctx, more context.Context, kinds []subject.Kind, subjects []subject.Subject) []Call {
	calls := make([][]Call, j.Goroutines)
	var all sync.WaitGroup
	for g := range calls {
		all.Go(func() { calls[g] = newCaller(j, kinds, subjects, g).calls(ctx, more) })
	}
	all.Wait()
	return slices.Concat(calls...)
}

// afterError is how long a goroutine waits after an error, so that it doesn't flood a server that fails.
const afterError = 5 * time.Millisecond

// calls makes this goroutine's calls until all of them are made and more has ended, or ctx has ended.
func (c *caller) calls(ctx, more context.Context) (made []Call) {
	for n := 0; (c.job.Calls == 0 || n < c.job.Calls || more.Err() == nil) && ctx.Err() == nil; n++ {
		call := c.next()
		c.make(&call)
		made = append(made, call)
		pause := c.job.Pause
		if call.Err != "" {
			pause = max(pause, afterError)
		}
		if pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
	return made
}

// Package coalesce sends the calls that many goroutines make at the same moment to the server together.
package coalesce

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/sentinel"
	"github.com/go-weir/weir/scripts"
)

// ErrClosed is returned by Run of a [Runner] after Close. Nothing was sent.
var ErrClosed = errors.New("weir: the runner is closed")

// ErrQueueFull is returned by Run of a [Runner] if as many calls wait as may wait: see [MaxQueue]. Nothing was sent.
var ErrQueueFull = errors.New("weir: too many calls wait to be sent")

// A Runner is a scripts.Runner that sends the calls of many goroutines together. [New] returns one.
type Runner struct {
	run      scripts.Runner
	placer   scripts.Placer    // nil if run has none
	pipeline scripts.Pipeliner // nil if run isn't one
	bounded  bool              // run is a scripts.Bounded
	options  settings

	mu       sync.Mutex
	lanes    map[place]*lane
	one      *lane       // the lane of oneServer, which is never dropped
	blocked  list[*lane] // lanes whose calls wait only because MaxCalls calls are under way
	queued   int         // calls that wait, in all lanes
	underWay int         // calls, for all lanes
	closed   bool
	spare    *flight       // of a call that was made in its caller's goroutine, to be used again
	idle     chan struct{} // closed after Close, when no call waits or is under way
}

// New returns a Runner over run, for programs in which many goroutines ask at once. A call is sent at once if fewer than
// [MaxFlights] flights are under way for its place. A flight is a call, or a batch of calls that are sent together. A place is a
// server, a node of a cluster, or a key, depending on what run knows. Further calls wait until a flight returns. They are then
// sent together: one script decides on many requests, one after the other, as if each had been sent alone. This takes the server
// and the client less work than as many single calls.
//
// # When not to use it
//
// Calls wait for those that are under way, where a client that pipelines (AutoPipeline of go-redis, or rueidis) sends them at
// once. So a pipeline makes more decisions, with a shorter latency, if the round trip takes much longer than the scripts. Over a
// round trip of 1 ms coalescing makes 0.6 times as many decisions with 16 goroutines, and 0.7 to 1.1 times as many with 256.
// Within a machine it makes 1.6 to 6 times as many with 256 goroutines, and 0.6 to 1.6 times as many with 16. It
// takes less of the server's processor if many calls are for the same few keys. docs/performance.md has the figures. A larger
// [MaxFlights] shortens the wait over a long round trip.
//
// # Answers and contexts
//
// Each caller gets its own answer and error, and returns when its context ends, even if run doesn't. If the call has not been
// sent by then, nothing is charged. If it is under way, it may be charged, as with any Runner. Other callers are not affected.
//
// A batch has a context of its own. It ends when the last deadline of its callers passes, after ten seconds at the latest, or
// when all of its callers have given up. Its values, which the hooks of a client see, are those of the oldest call. A call that
// is sent alone is sent with its caller's context.
//
// If run panics, or a hook of the client behind it, Run panics in each caller that waits for that call or batch. The value
// is a [*PanicError]. It is the value of the first panic itself if the call was sent at once, and run is a scripts.Bounded
// or the context can't be canceled: such a call is made in its caller's goroutine. A caller that has given up doesn't notice
// a panic. If run ends its goroutine by runtime.Goexit, the callers get an error.
//
// # What is sent together
//
// Requests share a script only if they are for the same script, and their keys are known to stay on one server and, in cluster
// mode, in one slot. run tells that if it implements scripts.Placer, or wraps a runner that does (see scripts.PlacerOf). Where
// it isn't known, only requests for equal keys share a script. Other requests for one server go in one pipeline if run itself
// is a scripts.Pipeliner, as that of goredisrunner is. If it isn't, they are sent side by side.
//
// The scripts of Weir that decide have a form for many requests: see scripts.Script.Many. It reads the clock once, and reads
// and writes each key once. Only the form of the sliding log reads and writes a key for each request. Other scripts are sent
// one by one.
//
// # Failures
//
// If a batch fails by an error which proves that nothing ran, such as CROSSSLOT, TRYAGAIN or MOVED, its requests are sent one
// by one: in one pipeline if run is a scripts.Pipeliner, and otherwise one after the other. Any other error of a batch is
// returned to each of its callers, and nothing is sent again.
//
// Requests that fail within a batch are sent again one after the other, each for its own error. If the server refuses to
// write (OOM, READONLY, MISCONF, NOREPLICAS, NOPERM), that error is returned for all failed requests of the batch, without
// sending the others. So such a server gets two calls for each batch. A script that writes something before it fails writes
// it twice. Only the script of the sliding log can do so, for a user who lacks some of the rights that the runners'
// documentation names.
//
// # Bounds
//
// A flight that gets no answer delays other calls for the same place until all of its callers have given up, but for at most
// [Patience]. It stays under way after that. At most sixteen times MaxFlights calls are under way for one place, and at most
// [MaxCalls] in all. Beyond that, calls wait until one returns or their contexts end. At most [MaxQueue] calls wait. A call that
// gave up while it waited holds no memory. A batch has at most [MaxBatch] requests and [MaxBytes] bytes. If the requests of a
// batch are sent side by side, each counts as under way, and the last batch may exceed the bounds by MaxBatch - 1 calls.
//
// After a call whose context has ended, its keys and args may still be read: don't change them. Close the Runner when it is
// no longer called. The errors of New wrap algorithms.ErrInvalidOption, or algorithms.ErrNilRunner if run is nil.
func New(run scripts.Runner, opts ...Option) (*Runner, error) {
	if option.IsNil(run) {
		return nil, fmt.Errorf("%w: want one to send calls through", sentinel.ErrNilRunner)
	}
	settings, err := settingsOf(opts)
	if err != nil {
		return nil, err
	}
	c := &Runner{run: run, placer: scripts.PlacerOf(run), options: settings, lanes: map[place]*lane{}}
	c.pipeline, _ = run.(scripts.Pipeliner)
	_, c.bounded = run.(scripts.Bounded)
	return c, nil
}

// Run implements scripts.Runner.
func (c *Runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	if c == nil || c.run == nil { // New has not made this Runner
		return nil, fmt.Errorf("%w: want a Runner that New has returned", sentinel.ErrNilRunner)
	}
	at, ended := c.placeOf(ctx, keys), ctx.Err()
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return nil, ErrClosed
	case ended != nil:
		c.mu.Unlock()
		return nil, fmt.Errorf("weir: nothing was sent: %w", ended)
	}
	l := c.laneAt(at)
	if l.queue.length == 0 && c.room(l) {
		if c.bounded || ctx.Done() == nil { // the caller waits as long as run does
			f := c.beginInPlace(l)
			c.mu.Unlock()
			defer c.landInPlace(f)
			return c.run.Run(ctx, s, keys, args)
		}
		f := c.begin(l)
		c.mu.Unlock()
		w := newWaiter(ctx, s, keys, args)
		w.taken, w.flight, f.waiting = true, f, 1
		go c.fly(f, []*waiter{w})
		return c.await(ctx, w)
	}
	if c.queued >= c.options.queue {
		c.tidy(l)
		c.mu.Unlock()
		return nil, ErrQueueFull
	}
	w := newWaiter(ctx, s, keys, args)
	w.lane = l
	l.queue.push(&w.node)
	c.queued++
	c.watch(l)
	c.mu.Unlock()
	return c.await(ctx, w)
}

// Bounded implements scripts.Bounded.
func (*Runner) Bounded() {}

// Unwrap returns the runner that calls are sent through.
func (c *Runner) Unwrap() scripts.Runner {
	if c == nil {
		return nil
	}
	return c.run
}

// Waiting returns how many calls wait to be sent, for a metric. It grows if run can't keep up.
func (c *Runner) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// Close makes all later calls return [ErrClosed]. It returns nil when the calls that wait or are under way have been answered, or
// an error that wraps ctx's if ctx ends sooner. The remaining calls then go on, each until its own context ends. Close can be
// called again. It doesn't close the runner behind.
func (c *Runner) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	if c.idle == nil {
		c.idle = make(chan struct{})
		c.rest()
	}
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Errorf("weir: %d calls wait and %d are under way: %w", c.queued, c.underWay, ctx.Err())
}

// rest closes idle, for Close, if no call waits or is under way.
func (c *Runner) rest() {
	if c.idle == nil || c.queued > 0 || c.underWay > 0 {
		return
	}
	select {
	case <-c.idle: // already closed
	default:
		close(c.idle)
	}
}

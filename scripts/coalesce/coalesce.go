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

// ErrClosed is what Run of a [Runner] returns after Close. Nothing was sent.
var ErrClosed = errors.New("weir: the runner is closed")

// ErrQueueFull is what Run of a [Runner] returns if as many calls wait as may: see [MaxQueue]. Nothing was sent.
var ErrQueueFull = errors.New("weir: too many calls wait to be sent")

// A Runner is a scripts.Runner that sends the calls of many goroutines together. [New] returns one.
type Runner struct {
	run      scripts.Runner
	placer   scripts.Placer    // nil where nothing is known
	pipeline scripts.Pipeliner // nil where run is none
	options  settings

	mu       sync.Mutex
	lanes    map[place]*lane
	one      *lane       // that of oneServer, which stays
	blocked  list[*lane] // those that wait only as MaxCalls calls are under way
	queued   int         // calls that wait, in all lanes
	underWay int         // calls, for all lanes
	closed   bool
	idle     chan struct{} // closed when no call waits or is under way after Close
}

// New returns a Runner over run, for programs in which many goroutines ask at once. A call that finds fewer than
// [MaxFlights] calls under way for its place is sent at once. Further calls wait, and are sent together when
// one of those returns: many requests in one script, which decides on one after the other as if each had been sent alone.
// That costs the server and the client a part of what as many calls cost.
//
// # Answers and contexts
//
// Each caller gets its own answer and error, and returns when its context ends, even if run doesn't. If its call waits then,
// it is not charged. If its call is under way it may be charged, as with any Runner. Other callers are not affected.
//
// A batch has a context of its own. It ends when the last of its callers' deadlines passes, after ten seconds at the latest, or
// when all of its callers have given up. Its values, which the hooks of a client see, are those of the oldest call in it. A
// call that is sent alone is sent with its caller's context.
//
// A panic of run, or of a hook in the client behind it, is a panic of Run in each caller that waits for that call or batch.
// Its value is a [*PanicError], or the value itself if the context can't be cancelled and the call was sent at once. If the
// caller has given up, a panic is dropped as an answer is. If run ends its goroutine by runtime.Goexit, the callers get an error.
//
// # What is sent together
//
// One script decides only on requests that are for the same script and for keys that are known to stay on the same server,
// and in cluster mode in the same slot: see scripts.Placer, which run implements or wraps (see scripts.PlacerOf). Without it,
// and where it doesn't know, only requests for equal keys share a script. Other requests for one server go in one
// pipeline if run itself is a scripts.Pipeliner, as that of goredisrunner is, and else side by side.
//
// The scripts of Weir that decide have a form for many requests: see scripts.Script.Many. It asks for the time once, and
// reads and writes each key once, except for the sliding log. Other scripts are sent one by one.
//
// # Failures
//
// If a batch fails by an error that proves that nothing ran, such as CROSSSLOT, TRYAGAIN or MOVED, its requests are sent one
// by one: in one pipeline if run is a scripts.Pipeliner, and else one after the other. Any other error of a batch is
// the error of each of its callers, and nothing is sent again.
//
// If requests fail within a batch, they are sent again for their errors, one after the other. An error by which the server
// refuses to write (OOM, READONLY, MISCONF, NOREPLICAS, NOPERM) is that of all requests of the batch that failed, without
// sending them. So such a server gets two calls for each batch. A script that has written something before it fails writes
// that twice. Only the sliding log's can, for a user who lacks some of the rights that the runners' documentation names.
//
// # Bounds
//
// A call or batch that gets no answer delays others for the same place until all of its callers have given up, and for no
// longer than [Patience]. It stays under way: up to sixteen times MaxFlights calls for one place, and [MaxCalls] in all. Beyond
// that, calls wait until one returns or their contexts end. At most [MaxQueue] calls wait. A call that gave up while it waited
// holds no memory. A batch has [MaxBatch] requests and [MaxBytes] bytes at most. If its requests go side by side they all count
// as under way, and the last batch may exceed the bounds by MaxBatch - 1 calls.
//
// After a call whose context has ended, its keys and args may still be read: don't change them. Close the Runner when it is
// not called any more. The errors of New wrap algorithms.ErrInvalidOption, or algorithms.ErrNilRunner if run is nil.
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
	return c, nil
}

// Run implements scripts.Runner.
func (c *Runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	if c == nil || c.run == nil { // of a Runner that New has not made
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
		return nil, fmt.Errorf("weir: nothing was asked: %w", ended)
	}
	l := c.laneAt(at)
	if l.queue.length == 0 && c.room(l) {
		f := c.begin(l)
		c.mu.Unlock()
		if ctx.Done() == nil { // the caller waits as long as run does
			defer c.land(f)
			return c.run.Run(ctx, s, keys, args)
		}
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

// Close makes all later calls return [ErrClosed], and returns when the calls that wait or are under way have been answered,
// or with an error that wraps ctx's when ctx ends sooner. Those calls go on then, each until its own context ends. Close can be
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

// rest tells Close when there is nothing more to wait for.
func (c *Runner) rest() {
	if c.idle == nil || c.queued > 0 || c.underWay > 0 {
		return
	}
	select {
	case <-c.idle: // it was told
	default:
		close(c.idle)
	}
}

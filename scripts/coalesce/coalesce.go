// Package coalesce sends the calls that many goroutines make at the same moment to the server together.
package coalesce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
	run       scripts.Runner
	pipeline  scripts.Pipeliner // nil where run is none
	options   settings
	oneServer bool

	mu     sync.Mutex
	lanes  map[place]*lane
	queued int // in all lanes
	closed bool
	idle   sync.WaitGroup // calls and batches under way
}

// New returns a Runner over run, for programs in which many goroutines ask at once. A call that finds fewer than
// [MaxFlights] calls under way is sent at once, in the caller's goroutine. Further calls wait, and are sent together when
// one of those returns: many requests in one script, which decides on one after the other as if each had been sent alone.
// That costs the server and the client a part of what as many calls cost.
//
// Each caller gets its own answer, error and deadline. A caller whose context ends while its call waits is not charged. If
// its call is under way it may be charged, as with any Runner. Other callers are not affected.
//
// One script decides only on requests that are for the same script and, in a cluster, for keys of one slot. The other
// requests of a batch go in one pipeline for each node, if run is a scripts.Pipeliner, as that of goredisrunner is. A
// runner that sends everything to one server says so by a method OneServer() bool, as those of goredisrunner and
// rueidisrunner do. With any other runner a call waits only for calls of the same slot.
//
// The scripts of Weir that decide have a form for many requests: see scripts.Script.Many. It asks for the time once, and
// reads and writes each key once, except for the sliding log. Other scripts are sent one by one. A request that fails in a
// batch is sent again alone, for the text of its error. A script that has written something before it fails writes that
// twice. Only the sliding log's can, for a user who lacks some of the rights that the runners' documentation names.
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
	c := &Runner{run: run, options: settings, lanes: map[place]*lane{}}
	if one, ok := run.(interface{ OneServer() bool }); ok {
		c.oneServer = one.OneServer()
	}
	if !c.oneServer {
		c.pipeline, _ = run.(scripts.Pipeliner)
	}
	return c, nil
}

// place is where calls go that can be sent together: one server, a node of a cluster, or a slot.
type place struct {
	node string
	slot uint16
}

func (c *Runner) placeOf(ctx context.Context, key string) place {
	switch {
	case c.oneServer:
		return place{}
	case c.pipeline != nil:
		if node := c.pipeline.Node(ctx, key); node != "" {
			return place{node: node}
		}
	}
	return place{slot: slotOf(key)}
}

// lane is what goes to one place.
type lane struct {
	flying int
	queue  []*waiter
}

// waiter is a call that waits, or is under way in a batch.
type waiter struct {
	ctx    context.Context
	script *scripts.Script
	keys   []string
	args   []string

	taken, gone bool // for sending, by its caller; the coalescer's lock guards them

	answered chan struct{} // has room for the one answer
	reply    []int64
	err      error
}

// waiters are kept for later calls, but for those that were given up: their answer may still come.
var waiters = sync.Pool{New: func() any { return &waiter{answered: make(chan struct{}, 1)} }}

// Run implements scripts.Runner.
func (c *Runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	if len(keys) == 0 {
		return c.run.Run(ctx, s, keys, args)
	}
	at := c.placeOf(ctx, keys[0])
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	l := c.lanes[at]
	if l == nil {
		l = &lane{}
		c.lanes[at] = l
	}
	if l.flying < c.options.flights {
		l.flying++
		c.idle.Add(1)
		c.mu.Unlock()
		defer c.landed(at, l)
		return c.run.Run(ctx, s, keys, args)
	}
	if c.queued >= c.options.queue {
		c.mu.Unlock()
		return nil, ErrQueueFull
	}
	w := waiters.Get().(*waiter)
	*w = waiter{ctx: ctx, script: s, keys: keys, args: args, answered: w.answered}
	l.queue = append(l.queue, w)
	c.queued++
	c.mu.Unlock()
	select {
	case <-w.answered:
		return w.done()
	case <-ctx.Done():
	}
	if c.forget(w) {
		return nil, fmt.Errorf("weir: nothing was asked: %w", ctx.Err())
	}
	select {
	case <-w.answered: // it came just now
		return w.done()
	default:
		return nil, fmt.Errorf("weir: %s: gave up waiting for an answer: %w", s.Name(), ctx.Err())
	}
}

// done returns the answer, and the waiter to those that are kept.
func (w *waiter) done() ([]int64, error) {
	reply, err := w.reply, w.err
	*w = waiter{answered: w.answered}
	waiters.Put(w)
	return reply, err
}

// forget gives up a waiter that still waits, and says whether it did.
func (c *Runner) forget(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.taken {
		return false
	}
	w.gone = true // it stays in the queue until its turn would come
	c.queued--
	return true
}

// landed follows a call that was made at once: what has come meanwhile is sent.
func (c *Runner) landed(at place, l *lane) {
	batch := c.next(at, l)
	if len(batch) == 0 {
		c.idle.Done()
		return
	}
	go func() {
		defer c.idle.Done()
		for ; len(batch) > 0; batch = c.next(at, l) {
			c.send(batch)
		}
	}()
}

// next takes the calls from a lane that are sent next, the oldest. Where there are none it makes room.
func (c *Runner) next(at place, l *lane) (batch []*waiter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := 0
	for ; seen < len(l.queue) && len(batch) < c.options.batch; seen++ {
		if w := l.queue[seen]; !w.gone {
			w.taken = true
			batch = append(batch, w)
		}
	}
	clear(l.queue[:seen])
	l.queue = l.queue[seen:]
	c.queued -= len(batch)
	if len(batch) > 0 {
		return batch
	}
	if l.flying--; l.flying == 0 && !c.oneServer {
		delete(c.lanes, at) // there may be sixteen thousand
	}
	return nil
}

// send sends a batch and hands out the answers.
func (c *Runner) send(batch []*waiter) {
	parts := c.parts(batch)
	switch {
	case len(batch) == 1:
		c.alone(batch[0])
	case len(parts) == 1:
		ctx, cancel := lasting(batch)
		defer cancel()
		call := callOf(batch)
		call.Reply, call.Err = c.run.Run(ctx, call.Script, call.Keys, call.Args)
		c.answer(batch, call)
	case c.pipeline != nil:
		ctx, cancel := lasting(batch)
		defer cancel()
		calls := make([]scripts.Call, len(parts))
		for i, part := range parts {
			calls[i] = callOf(part)
		}
		c.pipeline.RunAll(ctx, calls)
		for i, part := range parts {
			c.answer(part, calls[i])
		}
	default:
		var sending sync.WaitGroup
		for _, part := range parts {
			sending.Add(1)
			go func() {
				defer sending.Done()
				c.send(part)
			}()
		}
		sending.Wait()
	}
}

// parts are those of a batch that one script decides: of the same script and, but on one server, slot. A script that has
// no form for many requests decides on one.
func (c *Runner) parts(batch []*waiter) (parts [][]*waiter) {
	type share struct {
		script *scripts.Script
		slot   uint16
	}
	var shares []share
	for _, w := range batch {
		if w.script.Many() == nil {
			shares, parts = append(shares, share{}), append(parts, []*waiter{w})
			continue
		}
		its := share{script: w.script}
		if !c.oneServer {
			its.slot = slotOf(w.keys[0])
		}
		i := slices.Index(shares, its)
		if i < 0 {
			i = len(shares)
			shares, parts = append(shares, its), append(parts, nil)
		}
		parts[i] = append(parts[i], w)
	}
	return parts
}

// answer hands out what came of a part.
func (c *Runner) answer(part []*waiter, call scripts.Call) {
	if len(part) == 1 || call.Err != nil {
		for _, w := range part {
			w.answer(call.Reply, call.Err)
		}
		return
	}
	replies := repliesOf(call.Reply)
	for _, w := range part {
		reply, err := replies.next()
		if err != errFailed { //nolint:errorlint // it is the very value
			w.answer(reply, err)
			continue
		}
		c.idle.Add(1)
		go func() { // for the text of its error
			defer c.idle.Done()
			c.alone(w)
		}()
	}
}

// alone makes one call as if it had been made at once.
func (c *Runner) alone(w *waiter) {
	reply, err := c.run.Run(w.ctx, w.script, w.keys, w.args)
	w.answer(reply, err)
}

func (w *waiter) answer(reply []int64, err error) {
	w.reply, w.err = reply, err
	w.answered <- struct{}{}
}

// lasting returns the context of a batch: it ends when that of every caller would have.
func lasting(batch []*waiter) (context.Context, context.CancelFunc) {
	var last time.Time
	for _, w := range batch {
		deadline, ok := w.ctx.Deadline()
		if !ok {
			return context.WithCancel(context.Background())
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	return context.WithDeadline(context.Background(), last)
}

// Waiting returns how many calls wait to be sent, for a metric. It grows if run can't keep up.
func (c *Runner) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// Close makes all later calls return [ErrClosed], and returns when the calls that wait or are under way have been answered.
// It doesn't close the runner behind.
func (c *Runner) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.idle.Wait()
	return nil
}

package scripts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrClosed is what Run returns on a [Coalescer] after Close. Nothing was sent.
var ErrClosed = errors.New("weir: the coalescer is closed")

// ErrQueueFull is what Run returns on a [Coalescer] where as many calls wait as may. Nothing was sent.
var ErrQueueFull = errors.New("weir: too many calls wait to be sent")

// A Coalescer is a [Runner] that sends calls together which many goroutines make at the same moment. See
// [Coalesce].
type Coalescer struct {
	run       Runner
	pipeline  Pipeliner // nil where run is none
	options   coalesceOptions
	oneServer bool

	mu     sync.Mutex
	lanes  map[place]*lane
	queued int // in all lanes
	closed bool
	idle   sync.WaitGroup // calls and batches under way
}

// Coalesce returns a Runner over run for programs in which many goroutines ask at once. While a few calls
// are under way it lets those that come wait, and sends them together when one of the few returns: many
// requests in one script, one after the other, each decided as if it had been sent alone. It costs the
// server and the client a part of what so many calls do. Who comes alone waits for nobody: the call is
// made at once, in the caller's goroutine.
//
// Each caller gets an answer, an error and a deadline of its own. A caller whose context ends while the
// call waits is not charged; while it is under way, it may be, as with any Runner. The others notice
// nothing.
//
// What is decided in one script are requests of one script, and in a cluster of one slot. The rest of what is sent
// together goes in one pipeline for each node, if run is a [Pipeliner], as goredisrunner's is of a cluster. Runners
// that send to a single server say so with a method OneServer() bool, as goredisrunner's and rueidisrunner's do; of
// any other only calls for one slot wait for one another.
//
// Scripts are run in a function, with KEYS and ARGV as its parameters, and TIME is asked once for all requests
// of a batch; of Weir's own but the sliding log's, a key is read and written once (see [Script.OneString]). A script
// of the caller's own must take no notice of that. Calls without a key are passed on as they are. Where a request
// of a batch fails, it is known to have failed, and is asked again alone for the text of its error. A script that
// has written something before it fails writes that twice: of Weir's only the sliding log's can, for a user who lacks
// some of its rights (the runners' documentation names them).
//
// After a call whose context has ended its keys and args may still be read: don't change them then.
//
// Close it when nobody calls it any more.
func Coalesce(run Runner, opts ...CoalesceOption) *Coalescer {
	c := &Coalescer{run: run, options: defaultCoalesce, lanes: map[place]*lane{}}
	for _, opt := range opts {
		opt(&c.options)
	}
	if one, ok := run.(interface{ OneServer() bool }); ok {
		c.oneServer = one.OneServer()
	}
	if !c.oneServer {
		c.pipeline, _ = run.(Pipeliner)
	}
	return c
}

// place is where calls go that can be sent together: one server, a node of a cluster, or a slot.
type place struct {
	node string
	slot uint16
}

func (c *Coalescer) placeOf(ctx context.Context, key string) place {
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
	script *Script
	keys   []string
	args   []string

	taken, gone bool // for sending, by its caller; the coalescer's lock guards them

	answered chan struct{} // has room for the one answer
	reply    []int64
	err      error
}

// waiters are kept for later calls, but for those that were given up: their answer may still come.
var waiters = sync.Pool{New: func() any { return &waiter{answered: make(chan struct{}, 1)} }}

// Run implements [Runner].
func (c *Coalescer) Run(ctx context.Context, s *Script, keys []string, args []string) ([]int64, error) {
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
func (c *Coalescer) forget(w *waiter) bool {
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
func (c *Coalescer) landed(at place, l *lane) {
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
func (c *Coalescer) next(at place, l *lane) (batch []*waiter) {
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
func (c *Coalescer) send(batch []*waiter) {
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
		calls := make([]Call, len(parts))
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

// parts are those of a batch that one script decides: of the same script and, but on one server, slot.
func (c *Coalescer) parts(batch []*waiter) (parts [][]*waiter) {
	if c.oneServer && !slices.ContainsFunc(batch, func(w *waiter) bool { return w.script != batch[0].script }) {
		return [][]*waiter{batch}
	}
	type share struct {
		script *Script
		slot   uint16
	}
	var shares []share
	for _, w := range batch {
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
func (c *Coalescer) answer(part []*waiter, call Call) {
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
func (c *Coalescer) alone(w *waiter) {
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

// Waiting returns how many calls wait to be sent, for a metric: it grows where run can't keep up.
func (c *Coalescer) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// Close lets calls that wait be answered and those under way return, and has all later ones return
// [ErrClosed]. It does not close what it sends through.
func (c *Coalescer) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.idle.Wait()
	return nil
}

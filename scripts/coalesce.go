package scripts

import (
	"context"
	"errors"
	"fmt"
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
	run     Runner
	options coalesceOptions
	oneNode bool

	mu     sync.Mutex
	lanes  map[uint16]*lane
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
// nothing. A batch takes calls of one script, and where run's keys are spread over nodes, as a cluster's are,
// of one slot.
//
// Runners that send to a single server say so with a method OneServer() bool; goredisrunner's and rueidisrunner's do.
// For any other only calls for one slot are sent together.
//
// Scripts are run in a function, with KEYS and ARGV as its parameters, and TIME is asked once for all requests
// of a batch; a script of the caller's own must take no notice of that. Calls without a key are passed on as
// they are. Where a request of a batch fails, it is known to have failed, and is asked again alone for the text of
// its error. A script that has written something before it fails writes that twice: of Weir's only the sliding log's
// can, for a user who lacks some of its rights (the runners' documentation names them).
//
// Close it when nobody calls it any more.
func Coalesce(run Runner, opts ...CoalesceOption) *Coalescer {
	c := &Coalescer{run: run, options: defaultCoalesce, lanes: map[uint16]*lane{}}
	for _, opt := range opts {
		opt(&c.options)
	}
	if one, ok := run.(interface{ OneServer() bool }); ok {
		c.oneNode = one.OneServer()
	}
	return c
}

type coalesceOptions struct{ batch, flights, queue int }

var defaultCoalesce = coalesceOptions{batch: 64, flights: 2, queue: 65_536}

// A CoalesceOption changes what [Coalesce] makes.
type CoalesceOption func(*coalesceOptions)

// MaxBatch sets how many requests are sent in one script at most, from 1 on. It bounds how long one script
// holds the server: a request takes some three microseconds. Default 64.
func MaxBatch(requests int) CoalesceOption {
	return func(o *coalesceOptions) { o.batch = max(requests, 1) }
}

// MaxFlights sets how many calls and batches are under way at the same time before others wait, from 1 on;
// in a cluster, for each slot. Default 2.
func MaxFlights(flights int) CoalesceOption {
	return func(o *coalesceOptions) { o.flights = max(flights, 1) }
}

// MaxQueue sets how many calls may wait; further ones get [ErrQueueFull]. Default 65,536.
func MaxQueue(calls int) CoalesceOption {
	return func(o *coalesceOptions) { o.queue = max(calls, 0) }
}

// lane is what can be sent together: all calls to one server, or for one slot.
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

	answered chan struct{}
	reply    []int64
	err      error
}

// Run implements [Runner].
func (c *Coalescer) Run(ctx context.Context, s *Script, keys []string, args []string) ([]int64, error) {
	if len(keys) == 0 {
		return c.run.Run(ctx, s, keys, args)
	}
	var slot uint16
	if !c.oneNode {
		slot = slotOf(keys[0])
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	l := c.lanes[slot]
	if l == nil {
		l = &lane{}
		c.lanes[slot] = l
	}
	if l.flying < c.options.flights {
		l.flying++
		c.idle.Add(1)
		c.mu.Unlock()
		defer c.landed(slot, l)
		return c.run.Run(ctx, s, keys, args)
	}
	if c.queued >= c.options.queue {
		c.mu.Unlock()
		return nil, ErrQueueFull
	}
	w := &waiter{ctx: ctx, script: s, keys: keys, args: args, answered: make(chan struct{})}
	l.queue = append(l.queue, w)
	c.queued++
	c.mu.Unlock()
	select {
	case <-w.answered:
		return w.reply, w.err
	case <-ctx.Done():
	}
	if c.forget(w) {
		return nil, fmt.Errorf("weir: nothing was asked: %w", ctx.Err())
	}
	select {
	case <-w.answered: // it came just now
		return w.reply, w.err
	default:
		return nil, fmt.Errorf("weir: %s: gave up waiting for an answer: %w", s.Name(), ctx.Err())
	}
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

// landed follows a call or batch that has ended: it sends what has come meanwhile, or makes room.
func (c *Coalescer) landed(slot uint16, l *lane) {
	defer c.idle.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.take(l)
	if len(batch) > 0 {
		c.idle.Add(1)
		go c.fly(slot, l, batch)
		return
	}
	if l.flying--; l.flying == 0 && !c.oneNode {
		delete(c.lanes, slot) // there may be sixteen thousand
	}
}

// take takes the calls from the queue that are sent next: the oldest, and of those behind it some of the
// same script.
func (c *Coalescer) take(l *lane) (batch []*waiter) {
	var others []*waiter
	seen := 0
	for ; seen < len(l.queue) && len(batch) < c.options.batch && len(others) < c.options.batch; seen++ {
		switch w := l.queue[seen]; {
		case w.gone:
		case len(batch) == 0 || w.script == batch[0].script:
			w.taken = true
			batch = append(batch, w)
		default:
			others = append(others, w)
		}
	}
	clear(l.queue[:seen])
	l.queue = l.queue[seen:]
	if len(others) > 0 {
		l.queue = append(others, l.queue...)
	}
	c.queued -= len(batch)
	return batch
}

// fly sends a batch and hands out the answers.
func (c *Coalescer) fly(slot uint16, l *lane, batch []*waiter) {
	defer c.landed(slot, l)
	if len(batch) == 1 {
		c.alone(batch[0])
		return
	}
	ctx, cancel := lasting(batch)
	defer cancel()
	keys, args := together(batch)
	flat, err := c.run.Run(ctx, batchOf(batch[0].script), keys, args)
	if err != nil {
		for _, w := range batch {
			w.answer(nil, err)
		}
		return
	}
	for _, w := range batch {
		var reply []int64
		var ok bool
		if reply, flat, ok = next(flat); ok {
			w.answer(reply, nil)
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
	close(w.answered)
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

// Close lets calls that wait be answered and those under way return, and has all later ones return
// [ErrClosed]. It does not close what it sends through.
func (c *Coalescer) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.idle.Wait()
	return nil
}

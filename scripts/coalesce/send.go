package coalesce

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-weir/weir/scripts"
)

// longest is how long a batch may take.
const longest = 10 * time.Second

// errExited is the error of calls whose runner has ended its goroutine.
var errExited = errors.New("weir: the runner ended its goroutine instead of returning an answer")

// fly makes the calls of a flight, and then ends the flight.
func (c *Runner) fly(f *flight, batch []*waiter) {
	if len(batch) == 1 {
		c.flyAlone(f, batch[0])
		return
	}
	defer c.land(f)
	defer settle(batch)
	ctx, cancel := c.contextOf(f, batch)
	defer cancel()
	parts := c.parts(ctx, batch)
	calls := make([]scripts.Call, len(parts))
	for i, part := range parts {
		calls[i] = callOf(part)
	}
	switch {
	case len(parts) == 1:
		c.call(ctx, &calls[0])
		c.hand(ctx, parts[0], calls[0])
	case c.pipeline != nil:
		c.callAll(ctx, calls)
		for i, part := range parts {
			c.hand(ctx, part, calls[i])
		}
	default:
		c.mu.Lock()
		c.count(f, len(parts)-1)
		c.mu.Unlock()
		var flying sync.WaitGroup
		for i, part := range parts {
			flying.Add(1)
			go func() {
				defer flying.Done()
				defer settle(part)
				c.call(ctx, &calls[i])
				c.hand(ctx, part, calls[i])
			}()
		}
		flying.Wait()
	}
}

// flyAlone makes one call with its caller's context. The flight ends before the caller gets the answer, so that the caller's
// next call does not wait for it.
func (c *Runner) flyAlone(f *flight, w *waiter) {
	call := scripts.Call{Script: w.script, Keys: w.keys, Args: w.args, Err: errExited}
	defer func() {
		c.land(f)
		w.answer(call.Reply, call.Err)
	}()
	c.call(w.ctx, &call)
}

// call makes one call. It sets the call's error if the runner panics.
func (c *Runner) call(ctx context.Context, call *scripts.Call) {
	defer func() {
		if value := recover(); value != nil {
			call.Reply, call.Err = nil, panicOf(value)
		}
	}()
	call.Reply, call.Err = c.run.Run(ctx, call.Script, call.Keys, call.Args)
}

// callAll makes calls in one pipeline. It sets the error of each if the runner panics.
func (c *Runner) callAll(ctx context.Context, calls []scripts.Call) {
	defer func() {
		if value := recover(); value != nil {
			err := panicOf(value)
			for i := range calls {
				calls[i].Reply, calls[i].Err = nil, err
			}
		}
	}()
	c.pipeline.RunAll(ctx, calls)
}

// settle answers the calls of a batch that have no answer after a panic or runtime.Goexit.
func settle(batch []*waiter) {
	if value := recover(); value != nil {
		tell(batch, nil, panicOf(value))
	}
	tell(batch, nil, errExited)
}

// tell gives waiters the same answer, and takes them out of the batch, as their callers may use them again from then on.
func tell(batch []*waiter, reply []int64, err error) {
	for i, w := range batch {
		if w != nil {
			batch[i] = nil
			w.answer(reply, err)
		}
	}
}

// contextOf returns the context of a batch. Its values are those of the oldest call.
func (c *Runner) contextOf(f *flight, batch []*waiter) (context.Context, context.CancelFunc) {
	end := time.Now().Add(longest)
	var last time.Time
	for _, w := range batch {
		deadline, ok := w.ctx.Deadline()
		if !ok || deadline.After(end) {
			last = end
			break
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(batch[0].ctx), last)
	c.mu.Lock()
	f.cancel = cancel
	none := f.waiting == 0
	c.mu.Unlock()
	if none {
		cancel()
	}
	return ctx, cancel
}

// parts divides a batch into parts that one script each decides on, and puts the batch in the order of the parts.
func (c *Runner) parts(ctx context.Context, batch []*waiter) [][]*waiter {
	type share struct {
		script *scripts.Script
		group  string
		known  bool // if false, only calls for equal keys share a script
	}
	var shares []share
	var parts [][]*waiter
	for _, w := range batch {
		its := share{script: w.script}
		if len(w.keys) > 0 { // the key may have moved since the call was queued
			p, known := c.look(ctx, w.keys[0])
			its.group, its.known = p.Group, known
		}
		i := -1
		if w.script.Many() != nil {
			for j := range shares {
				if shares[j] == its && (its.known || slices.Equal(parts[j][0].keys, w.keys)) {
					i = j
					break
				}
			}
		}
		if i < 0 {
			i = len(shares)
			shares, parts = append(shares, its), append(parts, nil)
		}
		parts[i] = append(parts[i], w)
	}
	at := batch[:0]
	for i, part := range parts {
		at = append(at, part...)
		parts[i] = at[len(at)-len(part):]
	}
	return parts
}

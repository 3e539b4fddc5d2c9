package coalesce

import (
	"context"
	"slices"

	"github.com/go-weir/weir/scripts"
)

// nothingRan has the errors by which a server refuses a call before its script runs. The value tells whether the server would
// refuse any other call too. If it is false, the error may depend on the keys of the call.
//
// Errors such as OOM and READONLY are missing, as a script can get them in the middle, at its first write. In Weir's scripts for
// many requests they fail one request, and not all.
var nothingRan = map[string]bool{
	"ASK": false, "CLUSTERDOWN": false, "CROSSSLOT": false, "MOVED": false, "NOPERM": false, "NOSCRIPT": false, "TRYAGAIN": false,
	"BUSY": true, "LOADING": true, "MASTERDOWN": true, "NOAUTH": true,
}

// refusesWrites has the errors of a server that would refuse any other request that writes.
var refusesWrites = map[string]bool{"MISCONF": true, "NOPERM": true, "NOREPLICAS": true, "OOM": true, "READONLY": true}

// hand gives the waiters of a part the answers of its call.
func (c *Runner) hand(ctx context.Context, part []*waiter, call scripts.Call) {
	if len(part) == 1 {
		tell(part, call.Reply, call.Err)
		return
	}
	if call.Err != nil {
		c.refused(ctx, part, call.Err)
		return
	}
	replies := repliesOf(call.Reply)
	for i := range part {
		if reply, err := replies.next(); err != errFailed { //nolint:errorlint // next returns errFailed itself
			tell(part[i:i+1], reply, err)
		}
	}
	c.failed(ctx, part)
}

// failed answers the requests of a part that have failed. They were not charged. Each is sent again for its error. If the server
// refuses to write, all others get that error too, without being sent. So do requests that equal one which failed.
func (c *Runner) failed(ctx context.Context, part []*waiter) {
	for i, w := range part {
		if w == nil {
			continue
		}
		reply, err := c.again(ctx, w)
		code := codeOf(err)
		for j := i + 1; j < len(part) && err != nil; j++ {
			if other := part[j]; other != nil && (refusesWrites[code] || ctx.Err() != nil || code != "" && other.same(w)) {
				tell(part[j:j+1], nil, err)
			}
		}
		tell(part[i:i+1], reply, err)
	}
}

// refused handles a call that failed for a whole part. If nothing ran, each request is sent by itself.
func (c *Runner) refused(ctx context.Context, part []*waiter, err error) {
	code := codeOf(err)
	anyCall, proven := nothingRan[code]
	if !proven {
		tell(part, nil, err)
		return
	}
	part = slices.DeleteFunc(part, c.left) // callers that have given up read no answer
	if c.pipeline != nil && !anyCall {
		calls := make([]scripts.Call, len(part))
		for i := range part {
			calls[i] = callOf(part[i : i+1])
		}
		c.callAll(ctx, calls)
		for i, call := range calls {
			tell(part[i:i+1], call.Reply, call.Err)
		}
		return
	}
	for i := range part {
		reply, err := c.again(ctx, part[i])
		tell(part[i:i+1], reply, err)
		if anyCall && codeOf(err) == code {
			tell(part, nil, err) // the server would refuse the others too
			return
		}
	}
}

// again sends one request of a batch by itself, within the batch's deadline, unless its caller has given up.
func (c *Runner) again(ctx context.Context, w *waiter) ([]int64, error) {
	if c.left(w) {
		return nil, nil // the caller doesn't read it
	}
	own := context.WithoutCancel(w.ctx)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		own, cancel = context.WithDeadline(own, deadline)
		defer cancel()
	}
	call := callOf([]*waiter{w})
	c.call(own, &call)
	return call.Reply, call.Err
}

// codeOf returns the first word of a server's error. It returns "" for a panic, whatever its value.
func codeOf(err error) string {
	if _, panicked := err.(*PanicError); panicked { //nolint:errorlint // a panic is never wrapped here
		return ""
	}
	return scripts.ErrorCode(err)
}

package verify

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
)

// cached are denials that a process repeated from memory without a call. Such a denial is right if the server would have
// denied the request too, at some time from the beginning of the call minus an age to the end of the call.
type cached struct {
	age   time.Duration
	ahead []*load.Call // not yet begun, in the order in which they begin
	open  []*load.Call // begun, not ended, and not yet known to be right
}

// cachedOf returns the denials among the calls that the server has not run.
func cachedOf(calls []load.Call, ran map[int64]bool, age time.Duration) *cached {
	c := &cached{age: age}
	for i := range calls {
		call := &calls[i]
		asked := call.Op != subject.Reset && call.Op != subject.Settle
		if asked && call.Err == "" && call.Reply == nil && !call.Answer.Allowed() && !ran[call.Entry.Call] {
			c.ahead = append(c.ahead, call)
		}
	}
	slices.SortFunc(c.ahead, func(a, b *load.Call) int { return cmp.Compare(a.Began, b.Began) })
	return c
}

func (c *cached) begin(call *load.Call) time.Duration { return call.Began - c.age }

// until checks the denials that begin or end up to a time in microseconds. denies reports whether a request is denied at a
// time.
func (c *cached) until(now int64, denies func(at int64, call *load.Call) (bool, error), f *Findings) error {
	for {
		i := slices.IndexFunc(c.open, func(call *load.Call) bool { return call.Ended.Microseconds() <= now })
		begins := len(c.ahead) > 0 && c.begin(c.ahead[0]).Microseconds() <= now
		var call *load.Call
		var at int64
		switch {
		case begins && (i < 0 || c.begin(c.ahead[0]) <= c.open[i].Ended):
			call, c.ahead = c.ahead[0], c.ahead[1:]
			at = c.begin(call).Microseconds()
			f.Cached++
		case i >= 0:
			call = c.open[i]
			at = call.Ended.Microseconds()
			c.open = slices.Delete(c.open, i, i+1)
		default:
			return nil
		}
		right, err := denies(at, call)
		switch {
		case err != nil:
			return err
		case right:
		case at == call.Ended.Microseconds():
			f.WronglyRefused++
			f.complain("call %d was refused without the server, where it fits", call.Entry.Call)
		default:
			c.open = append(c.open, call)
		}
	}
}

// after checks the open denials again after a decision of the server.
func (c *cached) after(now int64, denies func(at int64, call *load.Call) (bool, error)) (err error) {
	c.open = slices.DeleteFunc(c.open, func(call *load.Call) bool {
		right, failed := denies(now, call)
		if failed != nil {
			err = failed
		}
		return right
	})
	return err
}

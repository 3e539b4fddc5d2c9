package leases

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/verify"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// A History is everything that happened to one key.
type History struct {
	Key     string
	Plans   []Plan
	Entries []journal.Entry // the records of the server, in its order
	Calls   []Call          // the calls of workers that are alive
}

// Check compares the history with the definition. At each instant of the server's clock a lease is given out if fewer are
// held than the caller's plan allows, and is refused otherwise. Each answer is also compared with that of a Local. abandoned
// is the number of leases that expired, because their holders were killed or abandoned them.
func (h History) Check() (f verify.Findings, abandoned int, err error) {
	c := &checker{history: h, calls: map[int64]Call{}, seen: map[int64]bool{}, ends: map[int64]int64{}}
	if c.replay, err = h.replay(); err != nil {
		return f, 0, err
	}
	for _, plan := range h.Plans {
		c.Bound = max(c.Bound, plan.Most)
	}
	for _, call := range h.Calls {
		c.calls[call.Entry.Call] = call
		if call.Err != "" {
			c.Errors++
			c.Error = call.Err
		}
	}
	for i, entry := range h.Entries {
		c.at = i
		c.goTo(entry)
		c.judge(entry)
		if err := c.compare(entry); err != nil {
			return c.Findings, 0, err
		}
	}
	if c.Largest > c.Bound {
		c.OverBound++
	}
	for _, call := range h.Calls {
		if call.Err == "" && !c.seen[call.Entry.Call] {
			c.Lost++
		}
	}
	c.Complaints = c.Complaints[:min(len(c.Complaints), 8)]
	return c.Findings, c.abandoned, nil
}

// A checker goes through the entries of a history in their order.
type checker struct {
	verify.Findings
	history   History
	replay    *replay
	calls     map[int64]Call
	at        int             // the index of the entry
	seen      map[int64]bool  // the calls that ran
	ends      map[int64]int64 // when each lease that is held expires, by its id
	now       int64
	abandoned int
}

func (c *checker) complain(format string, args ...any) {
	lease, op, _ := what(c.history.Entries[c.at].Call)
	c.Complaints = append(c.Complaints, fmt.Sprintf("key %q, entry %d, lease %d, op %d: ", c.history.Key, c.at, lease, op)+fmt.Sprintf(format, args...))
}

// goTo advances the time to that of an entry. It removes leases that have expired by then, and leases that the server has
// lost.
func (c *checker) goTo(entry journal.Entry) {
	c.Decisions++
	if c.seen[entry.Call] {
		c.Twice++
		c.complain("ran twice")
	}
	c.seen[entry.Call] = true
	if entry.Now < c.now {
		c.StepsBack++
	}
	c.now = entry.Now
	for id, end := range c.ends {
		if end <= c.now {
			delete(c.ends, id)
			c.abandoned++
		}
	}
	if len(c.ends) > 0 && !entry.Found {
		c.Forgotten++
		c.complain("%d leases are lost", len(c.ends))
		clear(c.ends)
	}
}

// judge compares an entry with the definition, and applies it to the leases that are held.
func (c *checker) judge(entry journal.Entry) {
	lease, op, plan := what(entry.Call)
	most, ttl := c.history.Plans[plan].Most, c.history.Plans[plan].TTL.Microseconds()
	end, held := c.ends[lease]
	fits := held || int64(len(c.ends)) < most
	switch op {
	case Acquire:
		admitted := entry.Reply[0] >= 0
		if admitted {
			c.Admitted++
			c.ends[lease] = max(end, c.now+ttl)
		} else {
			c.Denied++
		}
		if admitted && !fits {
			c.WronglyAdmitted++
			c.complain("given out, %d are held", len(c.ends)-1)
		} else if !admitted && fits {
			c.WronglyRefused++
			c.complain("refused, %d are held", len(c.ends))
		}
	case Renew:
		if held != (entry.Reply[0] > 0) {
			c.Diverging++
			c.complain("renewed: %v, held: %v", entry.Reply, held)
		}
		if held {
			c.ends[lease] = max(end, c.now+ttl)
		}
	case Release:
		// A lease that has expired may still be on the server: then the reply is 1, though it isn't held.
		if released := entry.Reply[0]; released != 1 && (held || released != 0) {
			c.Diverging++
			c.complain("released: %v, held: %v", entry.Reply, held)
		}
		delete(c.ends, lease)
	}
	c.Largest = max(c.Largest, int64(len(c.ends)))
}

// compare compares the server's answer in an entry with that of the Local, and with the one that the caller got.
func (c *checker) compare(entry journal.Entry) error {
	got, want, err := c.replay.answers(c.history.Key, entry)
	switch {
	case errors.Is(err, scripts.ErrReply):
		c.Diverging++
		c.complain("%v", err)
	case err != nil:
		return err
	case got != want:
		c.Diverging++
		c.complain("the server's answer is %+v, the Local's %+v", got, want)
	}
	call, alive := c.calls[entry.Call]
	if !alive {
		return nil
	}
	_, op, _ := what(entry.Call)
	if call.Err != "" {
		c.RanUnseen++
	} else if !slices.Equal(call.Reply, entry.Reply) || op == Renew && call.Held != (entry.Reply[0] > 0) ||
		(op == Acquire || op == Peek) && call.Result != got {
		c.Garbled++
		c.complain("the caller got %+v, the server decided %v", call, entry.Reply)
	}
	return nil
}

// replay computes the answer to each call twice: from the reply of the server, and with a Local.
type replay struct {
	clock *limitertest.Clock
	reply []int64
	over  []*inflight.Remote // one for each plan; they get reply from Run
	local []*inflight.Local
}

// Run implements scripts.Runner.
func (r *replay) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return r.reply, nil
}

func (h History) replay() (*replay, error) {
	r := &replay{clock: limitertest.NewClock(time.Unix(0, 0))}
	for i, plan := range h.Plans {
		over, err := inflight.New(r, plan.Most, plan.TTL)
		if err != nil {
			return nil, err
		}
		var local *inflight.Local
		if i == 0 {
			local, err = inflight.NewLocal(plan.Most, plan.TTL, algorithms.WithClock(r.clock.Now))
		} else {
			local, err = r.local[0].With(plan.Most, plan.TTL)
		}
		if err != nil {
			return nil, err
		}
		r.over, r.local = append(r.over, over), append(r.local, local)
	}
	return r, nil
}

// answers returns the answers of the server and of the Local to a call. For a Renew, Allowed says whether the lease was
// held. If the server's reply is impossible, the error wraps scripts.ErrReply.
func (r *replay) answers(key string, entry journal.Entry) (got, want algorithms.Result, err error) {
	r.clock.Advance(time.UnixMicro(entry.Now).Sub(r.clock.Now()))
	r.reply = entry.Reply
	lease, op, plan := what(entry.Call)
	ask := func(l inflight.Limiter) (result algorithms.Result, err error) {
		ctx, id := context.Background(), strconv.FormatInt(lease, 10)
		switch op {
		case Acquire:
			return l.Acquire(ctx, key, id)
		case Renew:
			err = l.Renew(ctx, key, id)
			if result.Allowed = err == nil; errors.Is(err, inflight.ErrNotHeld) {
				err = nil
			}
			return result, err
		case Release:
			return result, l.Release(ctx, key, id)
		}
		return l.Peek(ctx, key)
	}
	got, err = ask(r.over[plan])
	want, localErr := ask(r.local[plan])
	return got, want, cmp.Or(localErr, err)
}

package leases

import (
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

// A History is all that happened to one key.
type History struct {
	Key     string
	Plans   []Plan
	Entries []journal.Entry // as the server has them, in its order
	Calls   []Call          // as callers know them that are alive
}

// Check holds the history against the definition: at each instant of the server's clock no lease is given out if as many are
// held as the caller's plan allows, and none is refused otherwise. Each answer is compared with that of a Local too.
// Abandoned is how many leases have ended by themselves, as their holders were killed or gave them up.
func (h History) Check() (f verify.Findings, abandoned int, err error) {
	replay, err := h.replay()
	if err != nil {
		return f, 0, err
	}
	for _, plan := range h.Plans {
		f.Bound = max(f.Bound, plan.Most)
	}
	calls := map[int64]Call{}
	for _, call := range h.Calls {
		calls[call.Entry.Call] = call
		if call.Err != "" {
			f.Errors++
			f.Error = call.Err
		}
	}
	seen, ends, now := map[int64]bool{}, map[int64]int64{}, int64(0)
	for i, entry := range h.Entries {
		lease, op, plan := what(entry.Call)
		complain := func(format string, args ...any) {
			f.Complaints = append(f.Complaints, fmt.Sprintf("key %q, entry %d, lease %d, op %d: ", h.Key, i, lease, op)+fmt.Sprintf(format, args...))
		}
		f.Decisions++
		if seen[entry.Call] {
			f.Twice++
			complain("ran twice")
		}
		seen[entry.Call] = true
		if entry.Now < now {
			f.StepsBack++
		}
		now = entry.Now
		for id, end := range ends {
			if end <= now {
				delete(ends, id)
				abandoned++
			}
		}
		if len(ends) > 0 && !entry.Found {
			f.Forgotten++
			complain("%d leases are forgotten", len(ends))
			clear(ends)
		}
		most, ttl := h.Plans[plan].Most, h.Plans[plan].TTL.Microseconds()
		end, mine := ends[lease]
		fits := mine || int64(len(ends)) < most
		switch op {
		case Acquire:
			admitted := entry.Reply[0] >= 0
			switch {
			case admitted:
				f.Admitted++
				ends[lease] = max(end, now+ttl)
			default:
				f.Denied++
			}
			if admitted && !fits {
				f.WronglyAdmitted++
				complain("given out, %d are held", len(ends)-1)
			} else if !admitted && fits {
				f.WronglyRefused++
				complain("refused, %d are held", len(ends))
			}
		case Renew:
			if mine != (entry.Reply[0] > 0) {
				f.Diverging++
				complain("renewed: %v, held: %v", entry.Reply, mine)
			}
			if mine {
				ends[lease] = max(end, now+ttl)
			}
		case Release:
			if mine && entry.Reply[0] != 1 {
				f.Diverging++
				complain("not given back")
			}
			delete(ends, lease)
		}
		f.Largest = max(f.Largest, int64(len(ends)))
		got, want, err := replay.answers(h.Key, entry)
		if err != nil {
			return f, 0, err
		}
		if got != want {
			f.Diverging++
			complain("%+v, the Local says %+v", got, want)
		}
		if call, alive := calls[entry.Call]; alive {
			if call.Err != "" {
				f.RanUnseen++
			} else if !slices.Equal(call.Reply, entry.Reply) || op == Renew && call.Held != (entry.Reply[0] > 0) ||
				(op == Acquire || op == Peek) && call.Result != got {
				f.Garbled++
				complain("its caller was told %+v, decided was %v", call, entry.Reply)
			}
		}
	}
	if f.Largest > f.Bound {
		f.OverBound++
	}
	for _, call := range h.Calls {
		if call.Err == "" && !seen[call.Entry.Call] {
			f.Lost++
		}
	}
	f.Complaints = f.Complaints[:min(len(f.Complaints), 8)]
	return f, abandoned, nil
}

// replay makes the decisions again.
type replay struct {
	clock *limitertest.Clock
	reply []int64
	over  []*inflight.Remote // each reads the reply
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

// answers returns what the server and the Local say to a call. Of a Renew, Allowed says whether the lease was held.
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
	if got, err = ask(r.over[plan]); errors.Is(err, scripts.ErrReply) {
		err = nil // and got is nothing that the Local says
	}
	if err != nil {
		return got, want, err
	}
	want, err = ask(r.local[plan])
	return got, want, err
}

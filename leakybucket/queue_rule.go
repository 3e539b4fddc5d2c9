package leakybucket

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// queueRule is the queue under one limit.
type queueRule struct {
	emission.Interval
	identity string // differs from the meter's, so that a queue and a meter of one KEY have different keys
	burst    int64
	interval emission.Span
	longest  emission.Span // the longest wait, Burst·T
}

func newQueueRule(limit algorithms.Limit) (queueRule, error) {
	if err := limit.Validate(); err != nil {
		return queueRule{}, err
	}
	of := rule.Limit{Rate: limit.Rate, Period: limit.Period.Microseconds(), Burst: limit.Burst}
	t, burst := emission.Of(of), limit.BurstOrRate()
	return queueRule{t, "leakybucket-queue:" + rule.RateText(of), burst, t.Times(1), t.Times(burst)}, nil
}

// A place is the answer to one request, with what is needed to give the place back.
type place struct {
	slot Slot

	// The next free departure time after this place, and without it.
	taken, before emission.State
}

// check returns an error if no request can have n places.
func (r queueRule) check(n int64) error {
	if n < 1 {
		return fmt.Errorf("%w: %d places, want 1 to %d", algorithms.ErrInvalidCost, n, r.burst+1)
	}
	if n > r.burst+1 {
		return fmt.Errorf("%w: %d places, want 1 to %d", algorithms.ErrCostExceedsLimit, n, r.burst+1)
	}
	return nil
}

// anyTime is the patience of a request that waits as long as necessary.
const anyTime time.Duration = -1

// first returns how many microseconds a request for n places may wait for the first, if it may wait patience for the last. A
// negative number means any time.
func (r queueRule) first(n int64, patience time.Duration) int64 {
	if patience < 0 {
		return -1
	}
	return max(patience.Microseconds()-r.Times(n-1).RoundUp(), 0)
}

// args returns the arguments of scripts/queue.lua for a request for n places at now, which is empty for the server's clock. The
// wait for the first place must be less than patience µs, unless that is below 0.
func (r queueRule) args(n, patience int64, now string, told bool) []string {
	interval, longest, within := r.interval, r.longest, ""
	if n > 1 {
		interval, longest = r.Times(n), r.Minus(r.longest, r.Times(n-1))
	}
	if patience >= 0 {
		within = strconv.FormatInt(patience, 10)
	}
	args := make([]string, 0, 8)
	args = append(args, strconv.FormatInt(interval.Us, 10), strconv.FormatInt(longest.Us, 10))
	if r.Den() > 1 || told {
		args = append(args, within, now,
			strconv.FormatInt(interval.Part, 10), strconv.FormatInt(longest.Part, 10), strconv.FormatInt(r.Den(), 10))
		if told {
			args = append(args, "1")
		}
		return args
	}
	if within != "" || now != "" {
		args = append(args, within, now)
	}
	return args
}

// read reads the reply of scripts/queue.lua to a request for n places. Its error wraps scripts.ErrReply.
func (r queueRule) read(n int64, reply []int64, told bool) (p place, err error) {
	accepted, first := emission.Standing(reply)
	whole := len(reply) == 4 // with the next free departure
	most := r.Plus(r.longest, r.interval)
	if accepted {
		most = r.Minus(r.longest, r.Times(n-1))
	}
	if whole != (told && accepted) || !r.Holds(first) || !first.AtMost(most) {
		return place{}, r.nonsense(n, reply)
	}
	if whole {
		free := emission.Span{Us: reply[2], Part: reply[3]}
		before := r.Minus(free, r.Times(n))
		if !r.Holds(free) || free.Us >= 1<<53 || r.Plus(before, r.Times(n)) != free {
			return place{}, r.nonsense(n, reply)
		}
		p.taken, p.before = emission.State{At: free.Us, Part: free.Part}, emission.State{At: before.Us, Part: before.Part}
	}
	p.slot = r.slot(n, accepted, first)
	return p, nil
}

func (r queueRule) nonsense(n int64, reply []int64) error {
	return fmt.Errorf("%w: script queue replied %v for %d places, which is impossible under %s", scripts.ErrReply, reply, n, r.identity)
}

// slot returns the Slot of a request for n places, the first of which departs, or would have departed, after the span first.
// A refused request with a RetryAfter of 0 found a place, but not within its patience.
func (r queueRule) slot(n int64, accepted bool, first emission.Span) Slot {
	last := first
	if n > 1 {
		last = r.Plus(first, r.Times(n-1))
	}
	if accepted {
		return Slot{Accepted: true, Delay: microseconds(last), Queued: r.waiting(last)}
	}
	return Slot{
		Delay:      microseconds(last),
		Queued:     max(r.waiting(first)-1, 0), // without this request
		RetryAfter: microseconds(r.Minus(last, r.longest)),
	}
}

// waiting returns how many requests wait if the last of them waits for this long.
func (r queueRule) waiting(wait emission.Span) int64 {
	queued := r.Fit(wait)
	if r.Times(queued) != wait {
		queued++
	}
	return queued
}

// decide takes n places if the queue has them and the first departs sooner than patience, in µs; below 0 means any time.
func (r queueRule) decide(s *emission.State, now, n, patience int64) (p place, until int64) {
	wait := r.Until(s.At, s.Part, now)
	full := r.Plus(r.longest, r.interval)
	clamped := !wait.AtMost(full)
	if clamped {
		wait = full
	}
	accepted := wait.AtMost(r.Minus(r.longest, r.Times(n-1))) && (patience < 0 || wait.Us < patience)
	free := wait
	if accepted {
		free = r.Plus(wait, r.Times(n))
	}
	if accepted || clamped {
		*s = emission.State{At: now + free.Us, Part: free.Part}
		until = s.At + 1
	}
	return place{r.slot(n, accepted, wait), *s, emission.State{At: now + wait.Us, Part: wait.Part}}, until
}

// stored returns a departure time in the form in which scripts/queue.lua stores it.
func stored(s emission.State) string {
	text := strconv.FormatInt(s.At, 10)
	if s.Part > 0 {
		text += "+" + strconv.FormatInt(s.Part, 10)
	}
	return text
}

// microseconds returns a span as whole microseconds, rounded up.
func microseconds(s emission.Span) time.Duration {
	return time.Duration(s.RoundUp()) * time.Microsecond
}

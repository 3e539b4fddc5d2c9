package slidinglog

import (
	"fmt"
	"sort"
	"strconv"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// New returns a limiter that keeps its state on run's server. A request of cost n is admitted if
// the events that the last limit.Period has admitted, plus n, are at most limit.Rate. Rate is at most
// 2^46, and Period at most 2^46 microseconds (814 days). A limit with a Burst is an error.
//
// Limiters of one Period, such as those of two routes of a service, share the count of a key on one server, even if their
// Rates differ. Give them different names (algorithms.WithName) if they must count separately.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. New sends nothing.
func New(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (*algorithms.Remote, error) {
	return algorithms.NewRemote(&algorithm, run, limit, opts)
}

// NewLocal returns a limiter that keeps its state in this process and makes the same decisions as a limiter from New.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocal(limit algorithms.Limit, opts ...algorithms.LocalOption) (*algorithms.Local, error) {
	return algorithms.NewLocal(&algorithm, limit, opts)
}

// most is the largest rate, and the longest period in microseconds, that entries can hold.
const most = 1 << 46

var algorithm = rule.Algorithm{
	Decide:  scripts.SlidingLog,
	Peek:    scripts.SlidingLogPeek,
	Most:    scripts.SlidingLogMost,
	Reserve: scripts.SlidingLogReserve,
	Settle:  scripts.SlidingLogSettle,
	Of: func(limit rule.Limit, _ bool) (rule.Rule, error) {
		switch {
		case limit.Rate > most:
			return nil, fmt.Errorf("rate is %d, a sliding log's is at most %d", limit.Rate, int64(most))
		case limit.Period > most:
			return nil, fmt.Errorf("period is %d µs, a sliding log's is at most %d µs", limit.Period, int64(most))
		}
		return slidinglog{"slidinglog:" + rule.PeriodText(limit.Period), limit.Rate, limit.Period}, rule.NoBurst(limit)
	},
	NewStore: local.Of[state],
}

// slidinglog is the rule of one limit.
type slidinglog struct {
	identity string
	rate     int64
	period   int64 // µs
}

// Identity implements rule.Rule.
func (r slidinglog) Identity() string { return r.identity }

// Capacity implements rule.Rule.
func (r slidinglog) Capacity() int64 { return r.rate }

// Args implements rule.Rule.
func (r slidinglog) Args(n int64, now string) []string {
	args := make([]string, 0, 4)
	args = append(args, strconv.FormatInt(n, 10), strconv.FormatInt(r.rate, 10), strconv.FormatInt(r.period, 10))
	if now != "" {
		args = append(args, now)
	}
	return args
}

// Standing implements rule.Rule.
func (r slidinglog) Standing(_ int64, reply []int64) (rule.Standing, bool) {
	if len(reply) > 1 {
		return r.decided(reply[0], reply[1], reply[2])
	}
	return r.decided(reply[0], 0, r.period)
}

// decided reads the integers of a script's reply. It returns false if no correct script replies so.
func (r slidinglog) decided(used, retry, reset int64) (rule.Standing, bool) {
	allowed := used >= 0
	if !allowed {
		used = -1 - used
	}
	s := r.standing(allowed, used, retry, reset)
	return s, s.RetryAfter >= 0 && s.RetryAfter <= s.ResetAfter && s.ResetAfter <= r.period &&
		allowed == (s.RetryAfter == 0) && (!allowed || used <= r.rate)
}

// standing returns a decision's Standing. used is what the last period has admitted, and retry and reset are the microseconds
// until the request fits and until the log is empty.
func (r slidinglog) standing(allowed bool, used, retry, reset int64) rule.Standing {
	return rule.Standing{
		Allowed:    allowed,
		Remaining:  max(r.rate-used, 0), // after a lower Rate, used may be above it
		RetryAfter: retry,
		ResetAfter: reset,
	}
}

// state is a key's log: what was admitted, and when, oldest first.
type state struct {
	entries []entry
	gone    int64 // the running count of the last entry that has left the log
}

// An entry is an admitted request: the time in microseconds since the Unix epoch, and the running
// count of all that was admitted, this request included.
type entry struct{ at, count int64 }

// Decide implements local.Rule. A request that changes nothing leaves the entries as they were: they are cut and appended to
// only if the result is kept.
func (r slidinglog) Decide(s *state, now, n int64, commit bool) (rule.Standing, int64) {
	entries, gone := s.entries, s.gone
	live := sort.Search(len(entries), func(i int) bool { return now-entries[i].at < r.period })
	if live > 0 {
		gone = entries[live-1].count
	}
	entries = entries[live:]
	var newest entry
	used := int64(0)
	if len(entries) > 0 {
		newest = entries[len(entries)-1]
		used = newest.count - gone
	}
	clamped := newest.at > now
	allowed := used+n <= r.rate
	var retry, reset int64
	if used > 0 {
		reset = r.period - max(now-newest.at, 0)
	}
	if !allowed {
		fits := sort.Search(len(entries), func(i int) bool { return entries[i].count >= gone+used+n-r.rate })
		retry = r.period - max(now-entries[fits].at, 0)
	}
	if !commit || !allowed && !clamped {
		return r.standing(allowed, used, retry, reset), 0
	}
	if clamped {
		entries = broughtBack(entries, now)
	}
	if allowed {
		used, reset = used+n, r.period
		entries = append(entries, entry{now, gone + used})
	}
	s.entries, s.gone = entries, gone
	return r.standing(allowed, used, retry, reset), now + reset
}

// Clamp implements local.Rule.
func (r slidinglog) Clamp(s *state, now int64) int64 {
	if n := len(s.entries); n == 0 || s.entries[n-1].at <= now {
		return 0
	}
	s.entries = broughtBack(s.entries, now)
	return now + r.period
}

// broughtBack replaces the entries whose time is in the future by one entry of now. There must be such entries.
func broughtBack(entries []entry, now int64) []entry {
	newest := entries[len(entries)-1]
	future := sort.Search(len(entries), func(i int) bool { return entries[i].at > now })
	return append(entries[:future], entry{now, newest.count})
}

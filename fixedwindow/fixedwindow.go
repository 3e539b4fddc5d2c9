package fixedwindow

import (
	"strconv"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// An Option changes how New or NewLocal makes a limiter. Each algorithms.Option is one, and so is [Aligned].
type Option interface{ option.Window }

// A LocalOption changes how NewLocal makes a limiter. Each [Option] and each algorithms.LocalOption is one.
type LocalOption interface{ option.LocalWindow }

// Aligned makes windows begin at whole Periods since the Unix epoch, the same for all keys, instead of
// at each key's first admitted request: a minute's at second 0, a day's at midnight UTC.
func Aligned() Option { return option.Aligned() }

// New returns a limiter that keeps its state on run's server. A request of cost n is admitted if
// the window's count, n included, is at most limit.Rate. A limit with a Burst is an error.
//
// Limiters of one Period, such as those of two routes of a service, share the count of a key on one server, even if their
// Rates differ. Give them different names (algorithms.WithName) if they must count separately.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. New sends nothing.
func New(run scripts.Runner, limit algorithms.Limit, opts ...Option) (*algorithms.Remote, error) {
	return algorithms.NewRemote(&algorithm, run, limit, opts)
}

// NewLocal returns a limiter that keeps its state in this process and makes the same decisions as a limiter from New.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocal(limit algorithms.Limit, opts ...LocalOption) (*algorithms.Local, error) {
	return algorithms.NewLocal(&algorithm, limit, opts)
}

var algorithm = rule.Algorithm{
	Decide:  scripts.FixedWindow,
	Peek:    scripts.FixedWindowPeek,
	Most:    scripts.FixedWindowMost,
	Reserve: scripts.FixedWindowReserve,
	Settle:  scripts.FixedWindowSettle,
	Of: func(limit rule.Limit, aligned bool) (rule.Rule, error) {
		identity := "fixedwindow:"
		if aligned {
			identity = "fixedwindow-aligned:"
		}
		return window{identity + rule.PeriodText(limit.Period), limit.Rate, limit.Period, aligned}, rule.NoBurst(limit)
	},
	NewStore: local.Of[state],
}

// window is the rule of one limit.
type window struct {
	identity string
	rate     int64
	period   int64 // µs
	aligned  bool
}

// Identity implements rule.Rule.
func (r window) Identity() string { return r.identity }

// Capacity implements rule.Rule.
func (r window) Capacity() int64 { return r.rate }

// Args implements rule.Rule.
func (r window) Args(n int64, now string) []string {
	args := make([]string, 0, 5)
	args = append(args, strconv.FormatInt(n, 10), strconv.FormatInt(r.rate, 10), strconv.FormatInt(r.period, 10))
	switch {
	case r.aligned:
		args = append(args, now, "1")
	case now != "":
		args = append(args, now)
	}
	return args
}

// Standing implements rule.Rule.
func (r window) Standing(_ int64, reply []int64) (rule.Standing, bool) {
	if len(reply) > 1 {
		return r.decided(reply[0], reply[1])
	}
	// Count and time are packed into one integer: see the header of scripts/fixedwindow.lua.
	if packed := reply[0]; packed < 0 {
		return r.decided(-1-(-1-packed)%(r.rate+1), (-1-packed)/(r.rate+1))
	}
	return r.decided(reply[0]%(r.rate+1), reply[0]/(r.rate+1))
}

// decided reads the first two integers of a script's reply. It returns false if no correct script replies so.
func (r window) decided(count, left int64) (rule.Standing, bool) {
	allowed := count >= 0
	if !allowed {
		count = -1 - count
	}
	s := r.standing(allowed, count, left)
	sensible := left >= 0 && left <= r.period && s.RetryAfter <= s.ResetAfter &&
		allowed == (s.RetryAfter == 0) && (!allowed || count <= r.rate)
	return s, sensible
}

// standing returns a decision's Standing. count is the window's count, and left the microseconds until the window ends.
func (r window) standing(allowed bool, count, left int64) rule.Standing {
	s := rule.Standing{
		Allowed:    allowed,
		Remaining:  max(r.rate-count, 0), // after a lower Rate, count may be above it
		ResetAfter: left,
	}
	if count == 0 {
		s.ResetAfter = 0
	}
	if !allowed {
		s.RetryAfter = left
	}
	return s
}

// state is a key's window: what it has admitted, and the first microsecond after it.
type state struct{ count, end int64 }

// Decide implements local.Rule.
func (r window) Decide(s *state, now, n int64, commit bool) (rule.Standing, int64) {
	longest := r.longest(now)
	count, left, clamped := int64(0), longest, false
	if open := s.end - now; open > 0 {
		count, left, clamped = s.count, min(open, longest), open > longest
	}
	allowed := count+n <= r.rate
	if !commit {
		return r.standing(allowed, count, left), 0
	}
	if allowed {
		count += n
	}
	var until int64
	if allowed || clamped {
		*s = state{count, now + left}
		until = s.end
	}
	return r.standing(allowed, count, left), until
}

// longest returns how many microseconds a window lasts at most from now on.
func (r window) longest(now int64) int64 {
	if r.aligned {
		return r.period - now%r.period
	}
	return r.period
}

// Clamp implements local.Rule.
func (r window) Clamp(s *state, now int64) int64 {
	longest := r.longest(now)
	if s.end-now <= longest {
		return 0
	}
	s.end = now + longest
	return s.end
}

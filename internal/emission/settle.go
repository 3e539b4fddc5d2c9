package emission

import (
	"strconv"

	"github.com/go-weir/weir/internal/rule"
)

const (
	deepest  = 1 << 52 // most that can be outstanding with debts, µs
	mostDebt = 1 << 51 // most that one settlement can add, µs
)

// MostArgs implements rule.Settling.
func (b Bucket) MostArgs(n int64, now string) []string {
	one := b.Times(1)
	return numbers([]string{strconv.FormatInt(n, 10), strconv.FormatInt(b.Depth.Us, 10), now}, one.Us, b.Depth.Part, b.den, one.Part)
}

// Most implements rule.Settling.
func (b Bucket) Most(n int64, reply []int64) (int64, rule.Standing, bool) {
	admitted := reply[0]
	allowed, ahead := Standing(reply[1:])
	s, sensible := b.standing(max(admitted, 1), allowed, ahead)
	return admitted, s, sensible && admitted >= 0 && admitted <= n && allowed == (admitted > 0)
}

// ReserveArgs implements rule.Settling.
func (b Bucket) ReserveArgs(n int64, now string) []string {
	cost := b.Times(n)
	return numbers([]string{strconv.FormatInt(cost.Us, 10), strconv.FormatInt(b.Depth.Us, 10), now}, cost.Part, b.Depth.Part, b.den)
}

// Reserved implements rule.Settling.
func (b Bucket) Reserved(n int64, reply []int64) (rule.Standing, rule.Charge, bool) {
	allowed, ahead := Standing(reply[:2])
	s, sensible := b.standing(n, allowed, ahead)
	at, began, given := reply[2], reply[3], Span{reply[4], reply[5]}
	sensible = sensible && at >= 0 && at < deepest && began >= 0 && b.Holds(given)
	return s, rule.Charge{
		N: n, At: at, End: at + ahead.Us, EndPart: ahead.Part, Began: began, Given: given.Us, GivenPart: given.Part,
	}, sensible
}

// MostDebt implements rule.Settling.
func (b Bucket) MostDebt() int64 { return b.Fit(Span{Us: mostDebt}) }

// SettleArgs implements rule.Settling.
func (b Bucket) SettleArgs(c rule.Charge, used int64, now string) []string {
	charge, more := b.rest(c.N, used)
	own := b.Plus(Span{Us: c.At}, b.Times(c.N))
	return numbers([]string{strconv.FormatInt(charge.Us, 10), strconv.FormatInt(b.Depth.Us, 10), now},
		more, c.End, own.Us, c.Began, c.Given, charge.Part, b.Depth.Part, c.EndPart, own.Part, c.GivenPart, b.den)
}

// rest returns the difference of used and n as a span, and 1 if used is more.
func (b Bucket) rest(n, used int64) (span Span, more int64) {
	if used > n {
		return b.Times(used - n), 1
	}
	return b.Times(n - used), 0
}

// numbers appends numbers to arguments.
func numbers(args []string, ns ...int64) []string {
	for _, n := range ns {
		args = append(args, strconv.FormatInt(n, 10))
	}
	return args
}

// settled is the part of a key's state that settlements need.
type settled struct {
	debt  int64 // if the stored time is a debt: 1 more than the time at which it was written; otherwise 0
	began int64 // 1 more than the time at which the count of what was given back began; 0 before it begins
	given Span  // how much was given back since
	until int64 // when the count is no longer needed
}

// owed reports whether the stored time is a debt that was written at now or before.
func (s *settled) owed(now int64) bool { return s != nil && s.debt > 0 && s.debt <= now+1 }

// set stores the time that is ahead of now, and returns until when the state is needed.
func (s *State) set(now int64, ahead Span) int64 {
	s.At, s.Part = now+ahead.Us, ahead.Part
	if s.settled == nil {
		return s.At + 1
	}
	s.settled.debt = 0
	return max(s.At+1, s.settled.until)
}

// Charged implements local.Rule.
func (b Bucket) Charged(s *State, now, n int64) rule.Charge {
	c := rule.Charge{N: n, At: now, End: s.At, EndPart: s.Part}
	if s.settled != nil {
		c.Began, c.Given, c.GivenPart = s.settled.began, s.settled.given.Us, s.settled.given.Part
	}
	return c
}

// Settle implements local.Rule. The header of scripts/gcra_settle.lua says how.
func (b Bucket) Settle(s *State, now int64, c rule.Charge, used int64) int64 {
	var ahead Span // negative if the time has passed
	if s.At > 0 {
		ahead = Span{s.At - now, s.Part}
	}
	changed := !ahead.AtMost(b.Depth) && !s.settled.owed(now)
	if changed { // the clock went back
		ahead = b.Depth
	}
	charge, more := b.rest(c.N, used)
	if more > 0 {
		changed = true
		if ahead = b.Plus(ahead, charge); ahead.Us >= deepest {
			ahead = Span{Us: deepest}
		}
	} else if back := b.back(s, now, c, charge, ahead); back.Us > 0 || back.Us == 0 && back.Part > 0 {
		changed = true
		if s.settled == nil {
			s.settled = &settled{}
		}
		s.settled.add(b, now, back, now+max(ahead.Us, 0)+1)
		ahead = b.difference(ahead, back)
	}
	if !changed {
		return 0
	}
	until := s.set(now, ahead)
	if !ahead.AtMost(b.Depth) {
		if s.settled == nil {
			s.settled = &settled{}
		}
		s.settled.debt = now + 1
	}
	return until
}

// back returns how much of a charge can be given back: at most 0 if nothing can.
func (b Bucket) back(s *State, now int64, c rule.Charge, charge, ahead Span) Span {
	var since Span
	if s.settled != nil {
		since = s.settled.given
		if s.settled.began == c.Began {
			since = b.difference(since, Span{c.Given, c.GivenPart})
		}
	}
	left := b.difference(Span{c.End - now, c.EndPart}, since)
	if own := b.Plus(Span{Us: c.At - now}, b.Times(c.N)); left.AtMost(own) {
		left = own
	}
	for _, most := range []Span{charge, ahead} {
		if most.AtMost(left) {
			left = most
		}
	}
	return left
}

// add counts what is given back. The count is needed until the time until.
func (s *settled) add(b Bucket, now int64, back Span, until int64) {
	s.given = b.Plus(s.given, back)
	switch {
	case s.began == 0:
		s.began = now + 1
	case s.given.Us >= deepest+mostDebt:
		s.began, s.given = max(now, s.began)+1, Span{Us: deepest} // no charge can end that far ahead
	}
	s.until = max(s.until, until)
}

// difference returns a − b, which may be below 0.
func (t Interval) difference(a, b Span) Span {
	if a.Part < b.Part {
		return Span{a.Us - b.Us - 1, a.Part - b.Part + t.den}
	}
	return Span{a.Us - b.Us, a.Part - b.Part}
}

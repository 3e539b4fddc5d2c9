package fixedwindow

import (
	"strconv"

	"github.com/go-weir/weir/internal/rule"
)

const (
	mostCount = 1 << 52 // largest count of a window, debts included
	mostDebt  = 1 << 51 // most that one settlement can add
)

// MostArgs implements rule.Settling.
func (r window) MostArgs(n int64, now string) []string { return r.Args(n, now) }

// Most implements rule.Settling.
func (r window) Most(n int64, reply []int64) (int64, rule.Standing, bool) {
	admitted := reply[0]
	s, sensible := r.decided(reply[1], reply[2])
	return admitted, s, sensible && admitted >= 0 && admitted <= n && s.Allowed == (admitted > 0)
}

// ReserveArgs implements rule.Settling.
func (r window) ReserveArgs(n int64, now string) []string { return r.Args(n, now) }

// Reserved implements rule.Settling.
func (r window) Reserved(n int64, reply []int64) (rule.Standing, rule.Charge, bool) {
	s, sensible := r.decided(reply[0], reply[1])
	return s, rule.Charge{N: n, End: reply[2]}, sensible && reply[2] >= 0
}

// MostDebt implements rule.Settling.
func (r window) MostDebt() int64 { return mostDebt }

// SettleArgs implements rule.Settling.
func (r window) SettleArgs(c rule.Charge, used int64, now string) []string {
	return []string{
		strconv.FormatInt(used, 10), strconv.FormatInt(c.N, 10), strconv.FormatInt(r.period, 10), now, strconv.FormatInt(c.End, 10),
	}
}

// Charged implements local.Rule.
func (r window) Charged(s *state, _, n int64) rule.Charge { return rule.Charge{N: n, End: s.end} }

// Settle implements local.Rule. It changes only the window that was charged. If the charge opened the window at this very
// microsecond and nothing else was counted, Settle removes the window.
func (r window) Settle(s *state, now int64, c rule.Charge, used int64) int64 {
	if s.end != c.End || s.end <= now {
		return 0
	}
	end := s.end
	s.count = min(max(s.count+(used-c.N), 0), mostCount)
	if s.count == 0 && end-now == r.period {
		*s = state{}
	}
	return end
}

package slidinglog

import (
	"sort"
	"strconv"

	"github.com/go-weir/weir/internal/rule"
)

const (
	mostDebt   = 1 << 46 // most that one settlement can add
	mostInALog = 1 << 47 // most that the entries of a period count for, debts included
)

// MostArgs implements rule.Settling.
func (r slidinglog) MostArgs(n int64, now string) []string { return r.ReserveArgs(n, now) }

// Most implements rule.Settling.
func (r slidinglog) Most(n int64, reply []int64) (int64, rule.Standing, bool) {
	admitted := reply[0]
	s, sensible := r.decided(reply[1], reply[2], reply[3])
	return admitted, s, sensible && admitted >= 0 && admitted <= n && s.Allowed == (admitted > 0)
}

// ReserveArgs implements rule.Settling.
func (r slidinglog) ReserveArgs(n int64, now string) []string { return r.Args(n, now) }

// Reserved implements rule.Settling.
func (r slidinglog) Reserved(n int64, reply []int64) (rule.Standing, rule.Charge, bool) {
	s, sensible := r.decided(reply[0], reply[1], reply[2])
	return s, rule.Charge{N: n, At: reply[3]}, sensible && reply[3] >= 0
}

// MostDebt implements rule.Settling.
func (r slidinglog) MostDebt() int64 { return mostDebt }

// SettleArgs implements rule.Settling.
func (r slidinglog) SettleArgs(c rule.Charge, used int64, now string) []string {
	return []string{
		strconv.FormatInt(used, 10), strconv.FormatInt(c.N, 10), strconv.FormatInt(r.period, 10), now, strconv.FormatInt(c.At, 10),
	}
}

// Charged implements local.Rule.
func (r slidinglog) Charged(_ *state, now, n int64) rule.Charge { return rule.Charge{N: n, At: now} }

// Settle implements local.Rule. The header of scripts/slidinglog_settle.lua describes the three cases.
func (r slidinglog) Settle(s *state, now int64, c rule.Charge, used int64) int64 {
	entries, gone := s.entries, s.gone
	live := sort.Search(len(entries), func(i int) bool { return now-entries[i].at < r.period })
	if live > 0 {
		gone = entries[live-1].count
	}
	entries = entries[live:]
	if len(entries) == 0 || now-c.At >= r.period {
		return 0
	}
	newest := &entries[len(entries)-1]
	total := newest.count
	switch more := used - c.N; {
	case more > 0:
		more = min(more, mostInALog-(total-gone))
		newest.count += more
	case newest.at == c.At: // no entry of a later time was written
		total = max(total+more, gone)
		kept := sort.Search(len(entries), func(i int) bool { return entries[i].count >= total })
		if total == gone {
			kept = -1
		} else {
			entries[kept].count = total
		}
		entries = entries[:kept+1]
	default:
		gone = min(gone-more, total)
		first := sort.Search(len(entries), func(i int) bool { return entries[i].count > gone })
		entries = entries[first:]
	}
	s.entries, s.gone = entries, gone
	if len(entries) == 0 {
		return now
	}
	return max(entries[len(entries)-1].at+r.period, now)
}

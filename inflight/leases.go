package inflight

import (
	"cmp"
	"slices"
	"strings"
)

// leases are the leases of a key in this process. As in the scripts' sorted set, leases that have ended stay in it until they
// are removed. Times are in microseconds.
type leases struct {
	sorted []lease          // by end, and then by id
	ends   map[string]int64 // by id
}

type lease struct {
	end int64
	id  string
}

func (l lease) compare(other lease) int {
	return cmp.Or(cmp.Compare(l.end, other.end), strings.Compare(l.id, other.id))
}

const (
	mostRemoved = 64 // ended leases that one call removes at most
	mostClamped = 64 // leases with too late an end that one call shortens at most
)

// after returns the index of the first lease that ends after that time.
func (l *leases) after(time int64) int {
	i, _ := slices.BinarySearchFunc(l.sorted, time, func(one lease, time int64) int {
		if one.end > time {
			return 1
		}
		return -1
	})
	return i
}

// held returns how many leases have not ended.
func (l *leases) held(now int64) int64 { return int64(len(l.sorted) - l.after(now)) }

// last returns how long the last lease lasts, or 0 if there is none.
func (l *leases) last(now int64) int64 { return max(l.left(now, 1), 0) }

// left returns how long the nth lease from the last lasts. It is below 0 if that has ended.
func (l *leases) left(now, n int64) int64 {
	if i := len(l.sorted) - int(n); i >= 0 {
		return min(l.sorted[i].end-now, longest)
	}
	return 0
}

// peek returns the standing of the leases.
func (l *leases) peek(now, most int64) standing {
	s := standing{allowed: true, held: l.held(now), resets: l.last(now)}
	if s.held >= most {
		s.allowed, s.retry = false, l.left(now, most)
	}
	return s
}

// acquire takes the lease, and reports whether it has changed anything. A refusal changes leases only if the clock went back.
func (l *leases) acquire(now int64, id string, most, ttl int64) (s standing, changed bool) {
	s = l.peek(now, most)
	held := l.ends[id] > now
	if held || s.allowed {
		s.allowed, s.retry, changed = true, 0, true
		l.removeEnded(now)
		if !held {
			s.held++
		}
		l.extend(now, id, ttl)
	}
	changed = l.clamp(now) || changed
	s.resets = l.last(now)
	return s, changed
}

// renew makes the lease last for ttl, and reports whether it is held.
func (l *leases) renew(now int64, id string, ttl int64) bool {
	if l.ends[id] <= now {
		return false
	}
	l.extend(now, id, ttl)
	return true
}

// extend makes the lease last for ttl, unless it lasts longer already.
func (l *leases) extend(now int64, id string, ttl int64) {
	if own := l.ends[id] - now; own < ttl || own > longest {
		l.set(id, now+ttl)
	}
}

// removeEnded removes up to mostRemoved leases that have ended.
func (l *leases) removeEnded(now int64) {
	ended := min(l.after(now), mostRemoved)
	for _, one := range l.sorted[:ended] {
		delete(l.ends, one.id)
	}
	l.sorted = slices.Delete(l.sorted, 0, ended)
}

// clamp shortens up to mostClamped leases that end later than any lease can, and reports whether there were any.
func (l *leases) clamp(now int64) bool {
	first := l.after(now + longest)
	far := slices.Clone(l.sorted[first:min(len(l.sorted), first+mostClamped)])
	for _, one := range far {
		l.set(one.id, now+longest)
	}
	return len(far) > 0
}

// set makes the lease end at that time.
func (l *leases) set(id string, end int64) {
	if !l.remove(id) {
		id = strings.Clone(id) // the caller's may be a part of a much longer string
	}
	one := lease{end, id}
	i, _ := slices.BinarySearchFunc(l.sorted, one, lease.compare)
	l.sorted = slices.Insert(l.sorted, i, one)
	if l.ends == nil {
		l.ends = map[string]int64{}
	}
	l.ends[id] = end
}

// remove removes the lease, and reports whether it was there.
func (l *leases) remove(id string) bool {
	end, known := l.ends[id]
	if !known {
		return false
	}
	i, _ := slices.BinarySearchFunc(l.sorted, lease{end, id}, lease.compare)
	l.sorted = slices.Delete(l.sorted, i, i+1)
	delete(l.ends, id)
	if len(l.sorted) == 0 {
		*l = leases{} // a map never becomes smaller
	}
	return true
}

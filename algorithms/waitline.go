package algorithms

import (
	"container/heap"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"
)

const (
	// maxAsking is how many calls of one line ask at the same time at most.
	maxAsking = 32

	// shortestPause and longestJitter bound the pause after a denial. The first keeps Wait from asking in a loop if the
	// limiter names no useful wait. The second keeps a long wait from becoming much longer.
	shortestPause = 100 * time.Microsecond
	longestJitter = 50 * time.Millisecond // of the first attempt

	// untold and longestUntold are the first and the longest pause after a denial without a RetryAfter.
	untold, longestUntold = time.Millisecond, time.Second

	longestWait = 1 << 61 // the sum of two doesn't overflow
)

// A line is the calls of Wait in this process that wait for one key of one limiter. Some of them hold a turn: they ask, or
// sleep until they ask. A call with the smallest n of the line always holds one, so its denial applies to all calls that
// hold none.
type line struct {
	of    lineKey
	calls int // under lines.mu

	mu      sync.Mutex
	holders []*waiter
	others  waiters
	seq     uint64
	losses  int       // denials in a row of those that kept their turn
	until   time.Time // requests of cost or more are denied until then
	cost    int64
}

// A waiter is a call of Wait.
type waiter struct {
	n        int64
	deadline time.Time
	bounded  bool          // it has a deadline
	called   chan struct{} // tells a waiter without a turn to look at its line again

	// Under the line's mu:
	holds bool
	due   time.Time // when it is to ask
	place int       // index in line.others; -1 if it isn't there
	seq   uint64    // orders waiters of equal n
}

type lineKey struct {
	limiter Limiter
	key     string
}

var lines = struct {
	mu sync.Mutex
	of map[lineKey]*line
}{of: map[lineKey]*line{}}

// joinLine returns the line of the key. leave must be called once for each call.
func joinLine(limiter Limiter, key string) *line {
	if !reflect.ValueOf(limiter).Comparable() {
		return &line{calls: 1} // for this call alone
	}
	of := lineKey{limiter, key}
	lines.mu.Lock()
	defer lines.mu.Unlock()
	l := lines.of[of]
	if l == nil {
		l = &line{of: of}
		lines.of[of] = l
	}
	l.calls++
	return l
}

// leave ends a call, and gives its turn to another one.
func (l *line) leave(w *waiter) {
	l.mu.Lock()
	l.drop(w)
	l.handOver(0)
	l.mu.Unlock()
	lines.mu.Lock()
	defer lines.mu.Unlock()
	if l.calls--; l.calls == 0 && l.of.limiter != nil {
		delete(lines.of, l.of)
	}
}

// next tells whether the waiter has a turn, and when it is to ask. A wait above 0 means that it can't be admitted before its
// deadline.
func (l *line) next(w *waiter) (due time.Time, turn bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	denied := l.denies(w.n, now)
	if denied && w.bounded && w.deadline.Before(l.until) {
		return due, false, l.until.Sub(now)
	}
	if !w.holds && w.place < 0 {
		if denied || len(l.holders) >= maxAsking || len(l.others) > 0 {
			l.push(w)
			l.handOver(0)
		} else {
			l.grant(w, now)
		}
	}
	return w.due, w.holds, 0
}

// admitted records an admission after which remaining events would still fit.
func (l *line) admitted(w *waiter, remaining int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.losses = 0
	if w.n <= l.cost {
		l.until = time.Time{}
	}
	l.drop(w)
	l.handOver(remaining)
}

// denied records a denial. The waiter keeps its turn unless another holder's n is as small or smaller.
func (l *line) denied(w *waiter, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	retryAfter = min(retryAfter, longestWait)
	if until := now.Add(retryAfter); retryAfter > 0 && (w.n <= l.cost || !now.Before(l.until)) {
		l.until, l.cost = until, w.n
		for _, other := range l.others {
			if other.bounded && other.deadline.Before(until) && l.denies(other.n, now) {
				other.call()
			}
		}
	}
	w.due = now.Add(l.pause(retryAfter))
	if w.bounded && w.due.After(w.deadline) && retryAfter > 0 {
		w.due = now.Add(max(retryAfter, shortestPause)) // without the random part it may be in time
	}
	for _, other := range l.holders {
		if other != w && other.n <= w.n {
			l.drop(w)
			l.push(w)
			return
		}
	}
	l.losses++
}

// denies reports whether a request of cost n is known to be denied now.
func (l *line) denies(n int64, now time.Time) bool { return n >= l.cost && now.Before(l.until) }

// pause returns how long after a denial to ask again: the wait that the denial tells, and a random part. That part is at most
// a sixteenth of the wait. It doubles with every eight denials in a row, which show that other callers are faster.
func (l *line) pause(retryAfter time.Duration) time.Duration {
	if retryAfter <= 0 {
		retryAfter = min(untold<<min(l.losses, 16), longestUntold)
	}
	retryAfter = max(retryAfter, shortestPause)
	jitter := min(retryAfter/16, longestJitter) << min(l.losses/8, 8)
	return retryAfter + rand.N(jitter) //nolint:gosec // nothing secret depends on it
}

// handOver gives a turn to the waiter of the smallest cost, unless a holder's cost is as small or smaller. It also gives a
// turn to each waiter that fits into the room which the holders leave.
func (l *line) handOver(room int64) {
	for _, holder := range l.holders {
		room -= holder.n
	}
	now := time.Now()
	for len(l.others) > 0 && len(l.holders) < maxAsking {
		w := l.others[0]
		fits := w.n <= room
		if !fits && slices.ContainsFunc(l.holders, func(holder *waiter) bool { return holder.n <= w.n }) {
			return
		}
		due := now
		if !fits && l.denies(w.n, now) {
			due = now.Add(l.pause(l.until.Sub(now)))
		}
		room -= w.n
		heap.Pop(&l.others)
		l.grant(w, due)
		w.call()
	}
}

func (l *line) grant(w *waiter, due time.Time) {
	w.holds, w.due = true, due
	l.holders = append(l.holders, w)
}

func (l *line) push(w *waiter) {
	l.seq++
	w.seq = l.seq
	heap.Push(&l.others, w)
}

// drop takes a waiter out of the line.
func (l *line) drop(w *waiter) {
	if w.place >= 0 {
		heap.Remove(&l.others, w.place)
	}
	if w.holds {
		w.holds = false
		l.holders = slices.DeleteFunc(l.holders, func(holder *waiter) bool { return holder == w })
	}
}

// call makes a waiter look at its line again.
func (w *waiter) call() {
	select {
	case w.called <- struct{}{}:
	default:
	}
}

// waiters is a heap of the waiters without a turn: the smallest cost first, and of equal costs the one that came first.
type waiters []*waiter

func (h waiters) Len() int { return len(h) }

func (h waiters) Less(i, j int) bool {
	return h[i].n < h[j].n || h[i].n == h[j].n && h[i].seq < h[j].seq
}

func (h waiters) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *waiters) Push(x any) {
	w, _ := x.(*waiter)
	w.place = len(*h)
	*h = append(*h, w)
}

// Pop implements heap.Interface.
func (h *waiters) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h, w.place = (*h)[:last], -1
	return w
}

package httplimit

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/ask"
)

// mostOut is how many calls about one key may be under way. Further requests of the key wait for a denial that answers them too,
// or for their turn to call. So a client can't keep all connections of this process to the server busy.
const mostOut = 32

// shortest is how long the limiter has at least for a call whose turn comes when its Timeout is nearly over.
const shortest = time.Millisecond

// crowded is the bit of a slot's state that is set while requests wait.
const crowded = 1 << 16

// A slot counts the calls about the keys that share it by their hash. The requests of these keys wait for each other's turns, but
// never take denials of another key.
type slot struct {
	state atomic.Int32 // how many calls are under way, and the bit crowded

	mu      sync.Mutex
	waiting *list.List // of *waiter, in the order in which they came; nil before the first
}

var (
	slots [4096]slot
	seed  = maphash.MakeSeed()
)

// A waiter is a request that waits.
type waiter struct {
	target  *target
	key     string
	cost    int64
	peek    bool
	arrived time.Time
	told    chan denial // buffered: receives once, a denial that answers the request, or the zero denial for its turn
	place   *list.Element
}

// A denial is a limiter's denial that answers other requests too.
type denial struct {
	result algorithms.Result
	came   time.Time // zero: no denial
}

// takeTurn calls the limiter when it is the request's turn. asked is false if another request's denial is the answer, or if the
// call failed after the request had waited for a part of its Timeout.
func (t *target) takeTurn(ctx context.Context, q ask.Question, salt uint64) (result algorithms.Result, asked bool, err error) {
	s := &slots[slotNumber(q.Key, salt)]
	w := waiter{target: t, key: q.Key, cost: q.Cost, peek: q.Peek}
	shared, waited, err := s.turn(ctx, w, &q)
	if err != nil || !shared.came.IsZero() {
		return shared.aged(), false, err // the result is not used with an error
	}
	w.arrived = s.began()
	came := false
	defer func() { s.end(came && !result.Allowed, w, result) }() // also if the limiter panics
	result, err = t.server.asker.Ask(ctx, q)
	came = err == nil
	return result, inTime(waited, err), err
}

// slotNumber returns the number of a key's slot.
func slotNumber(key string, salt uint64) uint64 {
	return (maphash.String(seed, key) ^ salt) % uint64(len(slots))
}

// inTime reports whether the call has had the whole Timeout, or an answer. A request that waited for its turn has had less.
func inTime(waited bool, err error) bool { return !waited || !errors.Is(err, context.DeadlineExceeded) }

// turn returns when it is the request's turn, or with a denial that answers it. It shortens the Timeout of q by the wait. end
// must be called after the turn.
func (s *slot) turn(ctx context.Context, w waiter, q *ask.Question) (shared denial, waited bool, err error) {
	if s.enter() {
		return denial{}, false, nil
	}
	waiting := w // allocated only here
	waiting.arrived, waiting.told = time.Now(), make(chan denial, 1)
	shared, err = s.wait(ctx, &waiting, *q)
	if waited = q.Timeout > 0; waited {
		q.Timeout = max(q.Timeout-time.Since(waiting.arrived), shortest)
	}
	return shared, waited, err
}

// began returns the time at which a call begins, or the zero time if there is no crowd that could share the answer.
func (s *slot) began() time.Time {
	if s.state.Load() > mostOut/2 {
		return time.Now()
	}
	return time.Time{}
}

// end ends a turn. asked is the request that had the turn, and asked.arrived the time at which its call began.
func (s *slot) end(denied bool, asked waiter, result algorithms.Result) {
	if s.state.Add(-1) >= crowded {
		s.left(denied && !asked.arrived.IsZero(), &asked, result)
	}
}

// enter counts a call, unless too many are under way or others wait.
func (s *slot) enter() bool {
	for {
		state := s.state.Load()
		if state >= mostOut {
			return false
		}
		if s.state.CompareAndSwap(state, state+1) {
			return true
		}
	}
}

// wait returns when it is the request's turn, with a denial that answers the request, or with an error when the request ends.
func (s *slot) wait(ctx context.Context, w *waiter, q ask.Question) (denial, error) {
	s.queue(w)
	var ended <-chan struct{}
	if !q.Detached {
		ended = ctx.Done()
	}
	var timeout <-chan time.Time
	if bound, ok := boundOf(ctx, q.Timeout); ok {
		timer := time.NewTimer(bound)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case told := <-w.told:
		return told, nil
	case <-ended:
	case <-timeout:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.place == nil {
		told := <-w.told
		if !told.came.IsZero() {
			return told, nil
		}
		s.state.Add(-1) // the turn passes to the next
		s.handOver()
	} else {
		s.remove(w)
	}
	if err := ask.Ended(ctx); err != nil {
		return denial{}, fmt.Errorf("weir: the request has ended while %d calls for its key were under way: %w", mostOut, err)
	}
	return denial{}, fmt.Errorf("weir: no answer within %v, while %d calls for its key were under way: %w", q.Timeout, mostOut, context.DeadlineExceeded)
}

// boundOf returns how long a request may wait, and false if there is no bound.
func boundOf(ctx context.Context, timeout time.Duration) (bound time.Duration, ok bool) {
	at, ok := ctx.Deadline()
	switch {
	case !ok:
		return timeout, timeout > 0
	case timeout == 0:
		return time.Until(at), true
	}
	return min(timeout, time.Until(at)), true
}

// queue puts the request at the end of those that wait. It may be its turn at once.
func (s *slot) queue(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = list.New()
	}
	s.state.Or(crowded) // from now on end calls left
	w.place = s.waiting.PushBack(w)
	s.handOver()
}

// left is called at the end of a call while requests wait. A denial is passed on to the waiting requests that it answers too.
func (s *slot) left(denied bool, asked *waiter, result algorithms.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if denied {
		shared := denial{result, time.Now()}
		for at := s.waiting.Front(); at != nil; {
			w := at.Value.(*waiter)
			at = at.Next()
			if w.shares(asked, result) {
				s.remove(w)
				w.told <- shared
			}
		}
	}
	s.handOver()
}

// shares reports whether the denial of asked holds for w too. The limiter has decided between the beginning and the end of the
// call. If w arrived before the beginning, it could have been decided at that moment. If w arrived later, the wait of the denial,
// counted from the beginning of the call, must not have been over yet.
func (w *waiter) shares(asked *waiter, result algorithms.Result) bool {
	return w.target == asked.target && w.key == asked.key && w.peek == asked.peek &&
		w.cost >= asked.cost && w.cost <= result.Limit &&
		w.arrived.Before(asked.arrived.Add(result.RetryAfter))
}

// handOver gives as many requests as may call their turn, in the order in which they came.
func (s *slot) handOver() {
	for s.waiting.Len() > 0 && s.state.Load()&^crowded < mostOut {
		w := s.waiting.Front().Value.(*waiter)
		s.state.Add(1)
		s.remove(w)
		w.told <- denial{}
	}
	if s.waiting.Len() == 0 {
		s.state.And(^int32(crowded))
	}
}

func (s *slot) remove(w *waiter) {
	s.waiting.Remove(w.place)
	w.place = nil
	if s.waiting.Len() == 0 {
		s.state.And(^int32(crowded))
	}
}

// aged returns the denial's result with its times shortened by what has passed since it came.
func (d denial) aged() algorithms.Result {
	age := time.Since(d.came).Truncate(time.Microsecond)
	d.result.RetryAfter = max(d.result.RetryAfter-age, time.Microsecond)
	d.result.ResetAfter = max(d.result.ResetAfter-age, d.result.RetryAfter)
	return d.result
}

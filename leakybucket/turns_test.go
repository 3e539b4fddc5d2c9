package leakybucket

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// TestTurns: late calls delay those behind them by at most an interval and the lateness of their answers.
func TestTurns(t *testing.T) {
	rule, err := newQueueRule(algorithms.PerSecond(20))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	at := func(ms float64) time.Time { return began.Add(time.Duration(ms * float64(time.Millisecond))) }
	turns := newTurns()
	for i, call := range []struct {
		due, now float64 // ms
		n        int64
		want     float64 // ms when to ask again, or 0 for the turn
	}{
		{47, 47, 1, 0},     // its answer is 47 ms late
		{50, 50.1, 1, 97},  // its answer isn't late; it waits for the first
		{50, 97, 1, 0},     // it returns 50 ms after the first
		{100, 100, 1, 147}, // the next one waits for 50 ms after that
		{100, 149, 1, 0},   // it wakes 2 ms late
		{150, 150, 1, 199}, // the next one still leaves 50 ms later
		{150, 230, 1, 0},   // it is late by more than an interval,
		{200, 230, 1, 250}, // but counts as late by one interval
		{200, 250, 1, 0},   //
		{250, 250, 3, 400}, // three places take three intervals
		{250, 400, 3, 0},   //
		{1000, 1000, 1, 0}, // a pause
		{1000.5, 1000.5, 1, 1050},
	} {
		got := turns.next("k", at(call.due), at(call.now), rule, call.n)
		if call.want == 0 && !got.IsZero() || call.want != 0 && !got.Equal(at(call.want)) {
			t.Fatalf("call %d, due at %v, at %v ms: %v, want %v", i, call.due, call.now, got.Sub(began), call.want)
		}
		if other := turns.next("another"+fmt.Sprint(i), at(call.due), at(call.now), rule, 1); !other.IsZero() {
			t.Fatalf("call %d: another key waits until %v", i, other.Sub(began))
		}
	}
}

// TestTurnsAreFew: a queue bounds the number of remembered turns, and keeps those that may still matter.
func TestTurnsAreFew(t *testing.T) {
	rule, err := newQueueRule(algorithms.PerSecond(20))
	if err != nil {
		t.Fatal(err)
	}
	began, turns := time.Now(), newTurns()
	for i := range 5 * mostTurns {
		now := began.Add(time.Duration(i) * time.Millisecond)
		if got := turns.next(fmt.Sprint(i), now, now, rule, 1); !got.IsZero() {
			t.Fatalf("the first call on a key is to wait until %v", got)
		}
		if got := turns.next(fmt.Sprint(i), now, now, rule, 1); got.IsZero() {
			t.Fatalf("call %d: the turn just taken is forgotten", i)
		}
	}
	if n := len(turns.last); n > mostTurns {
		t.Errorf("%d turns are kept, want %d at most", n, mostTurns)
	}
}

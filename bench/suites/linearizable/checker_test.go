package linearizable_test

import (
	"context"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/go-weir/weir/algorithms"
)

// byHand is the trial of the handmade histories, with windows of 5 a minute.
var byHand = trial{subjects[0], algorithms.Per(5, period), true}

var (
	one     = call{method: allow}
	three   = call{method: allowN, cost: 3}
	look    = call{method: peek}
	anew    = call{method: reset}
	lastOne = call{method: allow, at: stepsAPeriod - 1} // a step before the end of the window that began at 0
	nextOne = call{method: allow, at: stepsAPeriod}     // at its end
)

func yes(remaining int64) algorithms.Result { return yesFor(remaining, period) }

func yesFor(remaining int64, rest time.Duration) algorithms.Result {
	return algorithms.Result{Allowed: true, Limit: 5, Remaining: remaining, ResetAfter: rest}
}

func no(remaining int64) algorithms.Result { return noFor(remaining, period) }

func noFor(remaining int64, rest time.Duration) algorithms.Result {
	return algorithms.Result{Limit: 5, Remaining: remaining, RetryAfter: rest, ResetAfter: rest}
}

// A handmade is a history of one key, written call by call.
type handmade []porcupine.Operation

// during adds a call that began and ended at these times.
func (h handmade) during(called, returned int64, c call, answer any) handmade {
	return append(h, porcupine.Operation{Input: input{"by-hand", c}, Call: called, Output: answer, Return: returned})
}

// then adds a call that began when the calls before it had ended.
func (h handmade) then(c call, answer any) handmade {
	now := int64(10 * len(h))
	return h.during(now, now+1, c, answer)
}

// thenLost adds a call that began when the calls before it had ended, and never ended itself.
func (h handmade) thenLost(c call) handmade { return h.during(int64(10*len(h)), never, c, lost{}) }

// TestRightHistories: the check accepts histories that are linearizable.
func TestRightHistories(t *testing.T) {
	for name, right := range map[string]handmade{
		"one by one":             handmade{}.then(one, yes(4)).then(three, yes(1)).then(three, no(1)).then(look, yes(1)).then(one, yes(0)),
		"at once":                handmade{}.during(1, 9, three, no(2)).during(2, 9, one, yes(4)).during(3, 9, one, yes(3)).during(4, 9, one, yes(2)),
		"a window's end":         handmade{}.then(one, yes(4)).then(lastOne, yesFor(3, step)).then(nextOne, yes(4)),
		"Peek beside Allow":      handmade{}.during(1, 9, one, yes(4)).during(2, 3, look, yesFor(5, 0)).during(4, 5, look, yes(4)),
		"Reset":                  handmade{}.then(one, yes(4)).then(anew, nil).then(one, yes(4)),
		"lost, executed":         handmade{}.then(one, yes(4)).thenLost(one).then(one, yes(2)),
		"lost, not executed":     handmade{}.then(one, yes(4)).thenLost(one).then(one, yes(3)),
		"lost, executed late":    handmade{}.thenLost(one).then(one, yes(4)).then(one, yes(2)),
		"lost, one of them":      handmade{}.thenLost(one).thenLost(three).then(one, yes(1)).then(one, yes(0)),
		"lost, and too much":     handmade{}.then(three, yes(2)).thenLost(three).then(one, yes(1)),
		"lost Reset, executed":   handmade{}.then(one, yes(4)).thenLost(anew).then(one, yes(4)),
		"lost Reset, not so":     handmade{}.then(one, yes(4)).thenLost(anew).then(one, yes(3)),
		"lost, and nobody after": handmade{}.then(three, yes(2)).thenLost(one),
	} {
		if found := check(newModel(byHand).porcupine(), right, patience); found != nil {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// TestWrongHistories: the check rejects histories that are not linearizable, also if a single answer is slightly wrong.
func TestWrongHistories(t *testing.T) {
	for name, wrong := range map[string]handmade{
		"one too few remain":         handmade{}.then(one, yes(4)).then(one, yes(2)),
		"one too many remain":        handmade{}.then(one, yes(4)).then(one, yes(4)),
		"refused what fits":          handmade{}.then(three, yes(2)).then(one, no(2)),
		"admitted too much":          handmade{}.then(three, yes(2)).then(three, yes(0)),
		"charged for a refusal":      handmade{}.then(three, yes(2)).then(three, no(2)).then(one, yes(0)),
		"a microsecond too long":     handmade{}.then(three, yes(2)).then(three, noFor(2, period+time.Microsecond)),
		"a microsecond too short":    handmade{}.then(one, yes(4)).then(lastOne, yesFor(3, step-time.Microsecond)),
		"a window without end":       handmade{}.then(one, yes(4)).then(nextOne, yesFor(3, 0)),
		"the later call came first":  handmade{}.then(one, yes(3)).then(one, yes(4)),
		"the same place twice":       handmade{}.during(1, 9, one, yes(4)).during(2, 9, one, yes(4)),
		"Peek saw what had been":     handmade{}.then(one, yes(4)).then(look, yesFor(5, 0)),
		"Peek saw what was to be":    handmade{}.then(look, yes(4)).then(one, yes(4)),
		"Peek saw new, then old":     handmade{}.during(1, 9, one, yes(4)).during(2, 3, look, yes(4)).during(4, 5, look, yesFor(5, 0)),
		"Peek charged":               handmade{}.then(look, yesFor(5, 0)).then(one, yes(3)),
		"Reset did nothing":          handmade{}.then(one, yes(4)).then(anew, nil).then(one, yes(3)),
		"lost, executed twice":       handmade{}.then(one, yes(4)).thenLost(one).then(one, yes(1)),
		"lost, executed again later": handmade{}.thenLost(one).then(one, yes(3)).then(one, yes(1)),
		"lost, one of two twice":     handmade{}.thenLost(one).thenLost(one).then(one, yes(1)),
		"lost, executed before":      handmade{}.then(one, yes(3)).thenLost(one),
		"lost, executed and undone":  handmade{}.thenLost(one).then(one, yes(3)).then(one, yes(3)),
		"lost, and too much fitted":  handmade{}.then(three, yes(2)).thenLost(three).then(one, no(0)),
	} {
		if found := check(newModel(byHand).porcupine(), wrong, patience); found == nil || found.result != porcupine.Illegal {
			t.Errorf("%s: %v, want it found", name, found)
		}
	}
}

// TestServersTimeByHand: with the server's clock, the check ignores durations and compares everything else.
func TestServersTimeByHand(t *testing.T) {
	m := newModel(trial{byHand.subject, byHand.limit, false}).porcupine()
	if found := check(m, handmade{}.then(three, yesFor(2, time.Second)).then(three, noFor(2, time.Hour)), patience); found != nil {
		t.Errorf("other durations: %v", found)
	}
	if found := check(m, handmade{}.then(three, yes(2)).then(one, yes(2)), patience); found == nil {
		t.Error("one too many remain, want it found")
	}
}

// TestUnfinishedCheck: a check that has not finished is a failure.
func TestUnfinishedCheck(t *testing.T) {
	m := newModel(byHand).porcupine()
	m.StepContext = func(ctx context.Context, s, _, _ any) (bool, any) {
		<-ctx.Done()
		return true, s
	}
	found := check(m, handmade{}.then(one, yes(4)), time.Millisecond)
	if found == nil || found.result != porcupine.Unknown {
		t.Errorf("%v, want it unknown", found)
	}
}

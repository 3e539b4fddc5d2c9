package linearizable_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/anishathalye/porcupine"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/leakybucket"
)

// A model returns the answers of a trial's key to sequential calls, which are the answers of Local. It caches them for all
// histories.
type model struct {
	trial   trial
	mu      sync.Mutex // porcupine checks several keys at the same time
	ids     map[fingerprint]int
	answers map[transition]any
	next    map[transition]int // the id of the state that follows
}

// A state is the state of a key after some calls. Equal states have the same id; the id of a key without calls is 0.
type state struct {
	id   int
	path *path // nil: there was no call
}

// A path is one sequence of calls that leads to a state. Each call changed something.
type path struct {
	before *path
	call   call
}

type transition struct {
	from int
	call call
}

// A fingerprint has the answers to the trial's probe at each step, and at the steps of one more period.
//
// Two different states have different fingerprints, because calls are made only at steps. Some algorithms store one time:
// the end of a window, a theoretical arrival time, or the next departure. A call at a step has written that time, and the
// limit bounds how far it is ahead of that step. So the answer at that step shows the time as it is. If two states have
// different times, take the later one, and the step at which it was written. The answers there differ: one shows the later
// time, and the other shows the earlier time, or that it has passed. (The times differ by more than the microsecond to which
// answers are rounded, because both are whole multiples of step/limit.Rate after start.) For a sliding log, the number of
// entries that were made at a step is the difference in what is used between the step at which they are a period old and the
// step before.
type fingerprint [steps + stepsAPeriod]any

// remembered is how many calls a Local takes for certain before it forgets any state. It forgets a state that has been over
// for an hour, as the server does, but the two count that hour from different moments.
const remembered = 63

func newModel(try trial) *model {
	m := &model{
		trial:   try,
		ids:     map[fingerprint]int{},
		answers: map[transition]any{},
		next:    map[transition]int{},
	}
	m.identify(nil) // 0
	return m
}

// porcupine returns the model in porcupine's form.
func (m *model) porcupine() porcupine.Model {
	return porcupine.Model{
		Partition: partition,
		Init:      func() any { return state{} },
		Step:      func(s, in, out any) (bool, any) { return m.step(s.(state), in.(input).call, out) },
		Equal:     func(a, b any) bool { return a.(state).id == b.(state).id },
		Hash:      func(s any) uint64 { return uint64(s.(state).id) * 0x9e3779b97f4a7c15 }, // spread over all bits
		DescribeOperation: func(in, out any) string {
			return fmt.Sprintf("%v: %+v", in.(input).call, out)
		},
		DescribeState: func(s any) string { return fmt.Sprint(s.(state).path.calls()) },
	}
}

// over is the state after the end of a history. The end is a call that is added after all calls that have an answer. A lost
// call was executed if the checker places it before the end, and was not executed if it places it after the end.
var over = state{id: -1}

const end method = "end"

// partition splits a history by keys, and adds the end to each part.
func partition(history []porcupine.Operation) [][]porcupine.Operation {
	parts := byKey(history)
	for i, part := range parts {
		in := part[0].Input.(input)
		in.call = call{method: end}
		parts[i] = append(part, porcupine.Operation{Input: in, Call: never - 1, Return: never - 1})
	}
	return parts
}

// step reports whether a key in state s can give this answer to the call, and returns its state afterwards.
func (m *model) step(s state, c call, answer any) (bool, state) {
	if c.method == end || s == over {
		return true, over
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, unknown := answer.(lost); unknown {
		// A lost call that would change nothing is taken as not executed, so that the checker has fewer orders to try.
		after := m.after(s, c)
		return after.id != s.id, after
	}
	if m.trial.told(answer) != m.answer(s, c) {
		return false, s
	}
	return true, m.after(s, c)
}

// answer returns what a key in state s answers.
func (m *model) answer(s state, c call) any {
	t := transition{s.id, c}
	answer, known := m.answers[t]
	if !known {
		answer = m.trial.told(mustAsk(m.replay(s.path), c))
		m.answers[t] = answer
	}
	return answer
}

// after returns the state that a key in state s has after the call.
func (m *model) after(s state, c call) state {
	t := transition{s.id, c}
	id, known := m.next[t]
	if !known {
		id = m.identify(s.path.and(c))
		m.next[t] = id
	}
	switch id {
	case s.id:
		return s
	case 0:
		return state{}
	}
	return state{id, s.path.and(c)}
}

// identify returns the id of the state that the path leads to. It probes in the order of time, so that a state which Local
// forgets meanwhile is over at all later steps.
func (m *model) identify(p *path) int {
	var answers fingerprint
	ask := m.replay(p)
	for at := range answers {
		if m.trial.probe != peek && at > 0 {
			ask = m.replay(p) // because the probe has changed the state
		}
		answers[at] = mustAsk(ask, call{method: m.trial.probe, at: at})
	}
	id, known := m.ids[answers]
	if !known {
		id = len(m.ids)
		m.ids[answers] = id
	}
	return id
}

// replay returns a Local on which the path's calls have been made.
func (m *model) replay(p *path) asker {
	ask, err := m.trial.local.onClock()(m.trial.limit)
	if err != nil {
		panic(err)
	}
	calls := p.calls()
	if len(calls) >= remembered {
		panic(fmt.Sprintf("%d calls since the key was as new, more than a Local remembers", len(calls)))
	}
	for _, c := range calls {
		mustAsk(ask, c)
	}
	return ask
}

// and returns the path with one more call.
func (p *path) and(c call) *path { return &path{p, c} }

// calls returns the path's calls, in their order.
func (p *path) calls() (calls []call) {
	for ; p != nil; p = p.before {
		calls = append(calls, p.call)
	}
	slices.Reverse(calls)
	return calls
}

// mustAsk makes a call on a Local, which has no reason to fail.
func mustAsk(ask asker, c call) any {
	answer, err := ask(context.Background(), "k", c)
	if err != nil {
		panic(err)
	}
	return answer
}

// told returns the part of an answer that depends only on the order of the calls. With the server's clock, this is
// everything except durations.
func (try trial) told(answer any) any {
	if try.simulated {
		return answer
	}
	switch answer := answer.(type) {
	case algorithms.Result:
		answer.RetryAfter, answer.ResetAfter = 0, 0
		return answer
	case leakybucket.Slot:
		answer.Delay, answer.RetryAfter = 0, 0
		return answer
	}
	return answer
}

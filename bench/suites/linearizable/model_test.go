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

// A model returns the answers of a trial's key to sequential calls, which are those of Local. It caches them for all histories.
type model struct {
	trial   trial
	mu      sync.Mutex // porcupine looks at several keys at once
	ids     map[fingerprint]int
	answers map[transition]any
	next    map[transition]int // the id of the state that follows
}

// A state is the state of a key after some calls. Equal states have the same id; the id of a key without calls is 0.
type state struct {
	id   int
	path *path // nil: there was no call
}

// A path is one way to a state, of calls that each changed something.
type path struct {
	before *path
	call   call
}

type transition struct {
	from int
	call call
}

// A fingerprint is what the trial's probe would be answered at each step, and a period further.
//
// It tells all states apart, as calls come at steps alone. A window's end, a theoretical arrival time or
// a next departure was written at one of the steps, and lies ahead of it by no more than it may, so that
// the answer at this step tells it as it is. Of two that differ take the later one, and the step at which
// that was written: the answer there tells both, or that the other has passed. (They differ by more than
// the microsecond to which an answer is rounded, as both are whole multiples of step/limit.Rate after
// start.) What a sliding log holds of one step is what less is used up when that is a period old, than
// one step before.
type fingerprint [steps + stepsAPeriod]any

// remembered is how many calls a Local surely takes before it forgets a state that has been over for an
// hour, as the server forgets it. The two count that hour from different moments.
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

// porcupine returns the model as porcupine wants it.
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

// over is the state after a history's end, which comes when all calls have been answered that ever are. A
// lost call that has its place before the end was executed, and one behind it was not.
var over = state{id: -1}

const end method = "end"

// partition splits a history by keys, and gives each its end.
func partition(history []porcupine.Operation) [][]porcupine.Operation {
	parts := byKey(history)
	for i, part := range parts {
		in := part[0].Input.(input)
		in.call = call{method: end}
		parts[i] = append(part, porcupine.Operation{Input: in, Call: never - 1, Return: never - 1})
	}
	return parts
}

// step returns whether a key in state s may answer the call so, and its state then.
func (m *model) step(s state, c call, answer any) (bool, state) {
	if c.method == end || s == over {
		return true, over
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, unknown := answer.(lost); unknown {
		// One that would have changed nothing may as well not have been executed: a place less to try.
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

// identify returns the id of the state that the path leads to. It probes in the order of time: what Local
// may forget meanwhile is over then for good.
func (m *model) identify(p *path) int {
	var answers fingerprint
	ask := m.replay(p)
	for at := range answers {
		if m.trial.probe != peek && at > 0 {
			ask = m.replay(p) // the probe has changed the state
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

// replay returns a Local on which the path's calls were made.
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

// and returns the path with one call more.
func (p *path) and(c call) *path { return &path{p, c} }

// calls returns the path's calls, the first one first.
func (p *path) calls() (calls []call) {
	for ; p != nil; p = p.before {
		calls = append(calls, p.call)
	}
	slices.Reverse(calls)
	return calls
}

// mustAsk asks a Local, which has no reason to fail.
func mustAsk(ask asker, c call) any {
	answer, err := ask(context.Background(), "k", c)
	if err != nil {
		panic(err)
	}
	return answer
}

// told returns what of an answer depends on nothing but the order of the calls: on the server's clock,
// all but durations.
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

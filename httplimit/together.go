package httplimit

import (
	"cmp"
	"context"
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/internal/ask"
)

// maxJoined is how many limiters can be asked as one.
const maxJoined = 8

// A combination has the targets of a request, in the order of the rules.
type combination [maxJoined]*target

// together asks all limiters in one question that charges all or none, if that is possible. It reports whether the request is
// decided. If it returns false, nothing was charged. If the question fails, each limiter's policy decides, and the limiters
// that the policies name are asked together in turn.
func (q *inquiry) together() bool {
	t := q.jointTarget()
	if t == nil {
		return false
	}
	requests := make([]allof.Request, len(q.parts))
	for i := range q.parts {
		requests[i] = allof.Request{Key: q.parts[i].key, Cost: q.parts[i].cost}
	}
	limiter, _ := t.limiter.(*allof.Limiter)
	all := &asking{Limiter: limiter, requests: requests}
	var shared *part // the part whose answer is another request's denial
	_, answered, err := t.askBy(q.request.Context(), ask.Question{
		Limiter: all, Timeout: q.parts[0].rule.timeout, Detached: q.detached, Tag: q.request,
	}, func(question ask.Question) (result algorithms.Result, asked bool, err error) {
		result, shared, asked, err = q.takeTurns(t, question, all)
		return result, asked, err
	})
	switch {
	case err != nil && (ask.IsOfArguments(err) || ask.Judge(err) == ask.Answered):
		return false // the error is about one limiter or key, but doesn't say which: ask them one by one
	case err != nil:
		for i := range q.parts {
			if q.outcome() == Pass {
				q.fails(&q.parts[i], err)
			}
		}
		return q.outcome() == Pass && q.together()
	case shared != nil, !answered:
		return true
	}
	for i := range q.parts {
		p := &q.parts[i]
		p.result = all.decision.Each[i]
		switch {
		case all.decision.Result.Allowed:
			p.state = admitted
		case p.result.Allowed:
			p.state = peeked
		default:
			p.state = denied
		}
		if p.failed == nil {
			q.decider.tellAnswer(p.rule)
		}
	}
	return true
}

// jointTarget returns the target of all parts as one, or nil if they can't be decided together. Parts with Settle or with
// different timeouts can't.
func (q *inquiry) jointTarget() *target {
	if len(q.parts) < 2 || len(q.parts) > maxJoined {
		return nil
	}
	var all combination
	for i := range q.parts {
		p := &q.parts[i]
		if p.state != unasked || p.rule.settle != nil || p.rule.timeout != q.parts[0].rule.timeout {
			return nil
		}
		all[i] = p.target
	}
	t, _ := q.decider.joined.of(all, func() (*target, error) {
		limiters := make([]algorithms.Limiter, len(q.parts))
		for i := range limiters {
			limiters[i] = all[i].limiter
		}
		limiter, err := allof.New(limiters...)
		if err != nil {
			return &target{}, nil //nolint:nilerr // this result is remembered too
		}
		return &target{limiter: limiter, server: all[0].server}, nil
	})
	if t.limiter == nil {
		return nil
	}
	return t
}

// asking is a limiter whose AllowN asks several limiters.
type asking struct {
	*allof.Limiter
	requests []allof.Request
	decision allof.Decision // of a question that was answered
}

// AllowN asks for each limiter's own key and cost.
func (a *asking) AllowN(ctx context.Context, _ string, _ int64) (result algorithms.Result, err error) {
	a.decision, err = a.AllowEach(ctx, a.requests...)
	return a.decision.Result, err
}

// takeTurns asks the question when it is the request's turn for each key. All requests enter slots in the order of their
// numbers, so that no two requests wait for each other's turns. If another request's denial answers the request, shared is the
// part that it concerns.
func (q *inquiry) takeTurns(t *target, question ask.Question, all *asking) (result algorithms.Result, shared *part, asked bool, err error) {
	type turn struct {
		slot   *slot
		number uint64 // of the slot
		index  int    // of the part
		asked  waiter
		denied bool
	}
	var array [maxJoined]turn
	turns := array[:0]
	for i := range q.parts {
		p := &q.parts[i]
		number := slotNumber(p.key, p.rule.salt)
		turns = append(turns, turn{&slots[number], number, i, waiter{target: p.target, key: p.key, cost: p.cost}, false})
	}
	slices.SortFunc(turns, func(a, b turn) int { return cmp.Compare(a.number, b.number) })
	turns = slices.CompactFunc(turns, func(a, b turn) bool { return a.slot == b.slot }) // a second turn of one slot could wait for the first
	entered := 0
	defer func() { // even if the limiter panics
		for _, turn := range turns[:entered] {
			var own algorithms.Result
			if turn.denied {
				own = all.decision.Each[turn.index]
			}
			turn.slot.end(turn.denied, turn.asked, own)
		}
	}()
	waited := false
	for _, turn := range turns {
		theirs, had, err := turn.slot.turn(q.request.Context(), turn.asked, &question)
		waited = waited || had
		switch {
		case err != nil:
			return algorithms.Result{}, nil, false, err
		case !theirs.came.IsZero():
			p := &q.parts[turn.index]
			p.state, p.result = denied, theirs.aged()
			return p.result, p, false, nil
		}
		entered++
	}
	for i := range turns {
		turns[i].asked.arrived = turns[i].slot.began()
	}
	if result, err = t.server.asker.Ask(q.request.Context(), question); err == nil {
		for i := range turns {
			turns[i].denied = !all.decision.Each[turns[i].index].Allowed
		}
	}
	return result, nil, inTime(waited, err), err
}

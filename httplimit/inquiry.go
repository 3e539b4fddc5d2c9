package httplimit

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/ask"
)

// An inquiry asks all limiters about one request. It is valid until free.
type inquiry struct {
	parts   []part // one for each rule that is in force and applies, in the order of the rules
	shadows []part // one for each rule with the option Shadow that applies

	decider  *Decider
	request  *http.Request
	detached bool // see Decider.ask
	gone     bool
}

// A part is the answer of one limiter.
type part struct {
	rule   *rule
	target *target // nil if it could not be chosen
	failed *target // if target is the policy's limiter: the one that has failed
	state  state
	result algorithms.Result // for a state of peeked, admitted or denied

	key  string
	cost int64

	charge *algorithms.Reservation // nil unless the rule has Settle
}

// A state says how far a limiter has been asked, and what it answered.
type state int

const (
	unasked  state = iota // not asked, or not yet
	peeked                // asked by a Peek: nothing was charged
	admitted              // charged
	denied
	never   // denied for good: the cost is above what the limit can ever admit, or the limit is DenyAll
	passed  // no answer, and the policy lets pass
	refused // no answer, and the policy refuses
	wrong   // can't be asked: the program has made a mistake
)

var inquiries = sync.Pool{New: func() any { return new(inquiry) }}

// ask asks the limiters of the rules that apply. free must be called once the answer has been used.
//
// Limiters that can decide as one are asked in one question: see together. Otherwise all but the first are asked by a Peek. If
// none denies, all are charged. Another request may come between the Peek and the charge. So if requests race, one limiter may be
// charged for a request that another then denies. With ChargeEach all limiters are charged, whatever the others answer.
//
// If detached is true, a canceled context of the request doesn't end the questions, and the policy decides at its deadline. If it
// is false, both mean that the client has gone.
func (d *Decider) ask(r *http.Request, detached bool) *inquiry {
	q := inquiries.Get().(*inquiry)
	q.decider, q.request, q.detached = d, r, detached
	for _, rule := range d.rules {
		if rule.shadow {
			q.beginShadow(rule)
		} else {
			q.parts = q.begin(q.parts, rule)
		}
	}
	if d.chargeEach {
		q.chargeEach()
	} else {
		q.allOrNothing()
	}
	q.askShadows()
	return q
}

// begin appends the part of a rule, if it applies.
func (q *inquiry) begin(parts []part, rule *rule) []part {
	key, cost, ok := rule.applies(q.request)
	if !ok {
		return parts
	}
	chosen, err := rule.targetFor(q.request)
	if chosen == unlimited {
		return parts
	}
	parts = append(parts, part{rule: rule, target: chosen, key: key, cost: cost})
	p := &parts[len(parts)-1]
	switch {
	case err != nil:
		q.mistaken(p, err)
	case cost < 1:
		q.mistaken(p, fmt.Errorf("%w: the function of Cost returned %d, want 0 or more", algorithms.ErrInvalidCost, cost))
	case chosen == denyAll:
		p.state = never
	}
	return parts
}

// free puts the inquiry back into the pool. Its parts must not be used afterwards.
func (q *inquiry) free() {
	clear(q.parts)
	clear(q.shadows)
	*q = inquiry{parts: q.parts[:0], shadows: q.shadows[:0]}
	inquiries.Put(q)
}

func (q *inquiry) chargeEach() {
	for i := range q.parts {
		if p := &q.parts[i]; p.state == unasked && !q.gone {
			q.charge(p)
		}
	}
}

func (q *inquiry) allOrNothing() {
	if q.together() {
		return
	}
	for i := range q.parts {
		if p := &q.parts[i]; i > 0 && p.state == unasked && q.outcome() == Pass {
			q.peek(p)
		}
	}
	if q.outcome() != Pass {
		return
	}
	for i := range q.parts {
		if p := &q.parts[i]; p.state == peeked && !p.result.Allowed {
			q.charge(p) // a denial charges nothing, and tells the exact wait for this cost
		}
	}
	for i := range q.parts {
		if p := &q.parts[i]; (p.state == unasked || p.state == peeked) && q.outcome() == Pass {
			q.charge(p)
		}
	}
}

// denies reports whether the limiter denies, for now or for good.
func (p *part) denies() bool { return p.state == denied || p.state == never }

func (q *inquiry) peek(p *part) {
	result, err := q.askOne(p, true)
	if err != nil {
		if q.fails(p, err); p.state == unasked && !q.gone {
			q.peek(p)
		}
		return
	}
	p.state, p.result = peeked, result
}

func (q *inquiry) charge(p *part) {
	result, err := q.askOne(p, false)
	switch {
	case err != nil:
		if q.fails(p, err); p.state == unasked && !q.gone {
			q.charge(p)
		}
		return
	case result.Allowed:
		p.state = admitted
	default:
		p.state = denied
	}
	p.result = result
}

func (q *inquiry) askOne(p *part, peek bool) (algorithms.Result, error) {
	question := ask.Question{
		Limiter: p.target.limiter, Key: p.key, Cost: p.cost, Peek: peek, Timeout: p.rule.timeout, Detached: q.detached, Tag: q.request,
	}
	var reserved *reserving
	if p.rule.settle != nil && !peek {
		reserved = &reserving{Limiter: p.target.limiter}
		question.Limiter = reserved
	}
	result, answered, err := p.target.ask(q.request.Context(), question, p.rule.salt)
	if reserved != nil && answered {
		p.charge = reserved.made
	}
	if answered && p.failed == nil {
		q.decider.tellAnswer(p.rule)
	}
	return result, err
}

// fails applies the policy to an error. If the policy asks another limiter, the part is unasked again.
func (q *inquiry) fails(p *part, err error) {
	policy := p.rule.onFailure
	switch {
	case !q.detached && (ask.HasEnded(err) || ask.Ended(q.request.Context()) != nil):
		q.gone = true
		return
	case errors.Is(err, algorithms.ErrCostExceedsLimit) && p.isTooMuch():
		p.state, policy = never, Refuse
	case ask.IsMistake(err):
		q.mistaken(p, err)
		return
	case policy.action == letPass:
		p.state = passed
	case p.failed == nil && policy.action == fallBack:
		p.target, p.failed = p.rule.another, p.target
	case p.failed == nil && policy.action == local && p.target.local != nil:
		p.target, p.failed = p.target.local, p.target
	default: // the policy refuses, or there is no other limiter, or that has failed too
		if p.failed == nil && policy.action == local {
			err = errors.Join(err, p.target.noLocal)
		}
		p.state, policy = refused, Refuse
	}
	q.decider.tell(q.request, &p.rule.outage, Failure{p.rule.name, err, policy})
}

// mistaken refuses a request because of a mistake of the program, whatever the policy.
func (q *inquiry) mistaken(p *part, err error) {
	p.state = wrong
	q.decider.tell(q.request, &p.rule.mistakes, Failure{p.rule.name, err, Refuse})
}

// isTooMuch reports whether the cost is above what the request's own limit can ever admit. The limiter that returned such an
// error may be the policy's, which may have a smaller limit.
func (p *part) isTooMuch() bool {
	if p.failed == nil {
		return true
	}
	limit := limitOf(p.failed.limiter)
	return limit != (algorithms.Limit{}) && p.cost > cmp.Or(limit.Burst, limit.Rate)
}

// isDenial reports whether an error is a denial for good.
func isDenial(err error) bool { return errors.Is(err, algorithms.ErrCostExceedsLimit) }

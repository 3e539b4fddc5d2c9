package httplimit

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// An inquiry is the asking of all limiters about one request. It is valid until free.
type inquiry struct {
	parts []part // one for each rule that applies, in the order of the rules

	decider *Decider
	request *http.Request
	gone    bool
}

// A part is what one limiter says.
type part struct {
	rule    *rule
	limiter algorithms.Limiter
	state   state
	result  algorithms.Result // for a state of peeked, admitted or denied

	key  string
	cost int64
	hung *atomic.Int64
}

// A state says how far a limiter has been asked, and what it said.
type state int

const (
	unasked  state = iota // another's denial came before
	peeked                // not charged; the result says what it has left
	admitted              // charged
	denied
	never   // denied for good: the cost is above what the limit can ever admit
	passed  // no answer; the policy lets pass
	refused // no answer; the policy refuses
)

var inquiries = sync.Pool{New: func() any { return new(inquiry) }}

// ask asks the limiters of the rules that apply. free must be called once the answer has been used.
//
// One limiter is asked once. Of several, the second to the last are asked first what they would say, and
// none is charged if one denies. Requests that race may still charge a limiter for a request that
// another then denies: between the question and the charge, others may come. With ChargeEach all are
// charged, whatever the others say.
func (d *Decider) ask(r *http.Request) *inquiry {
	q := inquiries.Get().(*inquiry)
	q.decider, q.request = d, r
	for _, rule := range d.rules {
		if key, cost, ok := rule.applies(r); ok {
			q.parts = append(q.parts, part{rule: rule, key: key, cost: cost, hung: &rule.hung})
			p := &q.parts[len(q.parts)-1]
			limiter, err := rule.limiterFor(r)
			if p.limiter = limiter; err != nil {
				q.failed(p, err)
			}
		}
	}
	if d.chargeEach {
		q.chargeEach()
	} else {
		q.allOrNothing()
	}
	return q
}

// free gives the inquiry back; its parts must not be used afterwards.
func (q *inquiry) free() {
	clear(q.parts)
	*q = inquiry{parts: q.parts[:0]}
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
			q.charge(p) // a denial charges nothing, and tells the wait for just this cost
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
		if q.failed(p, err); p.state == unasked && !q.gone {
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
		if q.failed(p, err); p.state == unasked && !q.gone {
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
	return ask(q.request.Context(), p.rule.timeout, p.hung, question{p.limiter, p.key, p.cost, peek})
}

// failed does what the policy says. A part that has fallen back to another limiter is unasked again.
func (q *inquiry) failed(p *part, err error) {
	policy := p.rule.onFailure
	switch {
	case q.request.Context().Err() != nil:
		q.gone = true
		return
	case errors.Is(err, algorithms.ErrCostExceedsLimit):
		p.state, policy = never, Refuse
	case policy.action == letPass:
		p.state = passed
	case policy.action == fallBack && p.hung == &p.rule.hung:
		p.state, p.limiter, p.hung = unasked, policy.limiter, &p.rule.fallBackHung
	default: // to refuse, or the fallback has failed too
		p.state, policy = refused, Refuse
	}
	if q.decider.onError != nil {
		q.decider.onError(q.request, Failure{p.rule.name, err, policy})
	}
}

// outcome returns what becomes of the request.
func (q *inquiry) outcome() Outcome {
	outcome := Pass
	for i := range q.parts {
		switch q.parts[i].state {
		case denied, never:
			outcome = Denied
		case refused:
			if outcome == Pass {
				outcome = Unavailable
			}
		}
	}
	if q.gone {
		return Gone
	}
	return outcome
}

// retryAfter returns the longest wait of those that deny, or 0 where no wait is known that would help.
func (q *inquiry) retryAfter() (wait time.Duration) {
	for i := range q.parts {
		switch p := &q.parts[i]; p.state {
		case denied:
			wait = max(wait, p.result.RetryAfter)
		case never:
			return 0
		}
	}
	return wait
}

// denials returns what those that deny say.
func (q *inquiry) denials() []Denial {
	n := 0
	for i := range q.parts {
		if q.parts[i].denies() {
			n++
		}
	}
	all := make([]Denial, 0, n)
	for i := range q.parts {
		if p := &q.parts[i]; p.denies() {
			all = append(all, Denial{p.rule.name, p.limit(), p.result})
		}
	}
	return all
}

// verdict returns why the request is denied.
func (q *inquiry) verdict() Verdict {
	v := Verdict{Status: http.StatusTooManyRequests, RetryAfter: q.retryAfter()}
	for i := range q.parts {
		if p := &q.parts[i]; p.denies() {
			v.Denied = append(v.Denied, p.rule.name)
		}
	}
	if p := tightest(q.parts); p != nil && p.state == denied {
		v.Result = p.result
	}
	return v
}

// limit returns what the limiter admits; zero where it can't tell.
func (p *part) limit() algorithms.Limit {
	if limiter, ok := p.limiter.(interface{ Limit() algorithms.Limit }); ok {
		return limiter.Limit()
	}
	return algorithms.Limit{}
}

package gate

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Decision is what a Gate says of one request. It is valid until Free.
type Decision struct {
	Parts []Part // one for each rule that applies, in the order of the rules

	gate    *Gate
	request *http.Request
	gone    bool
}

// A Part is what one limiter says.
type Part struct {
	Rule    *Rule
	Limiter algorithms.Limiter
	State   State
	Result  algorithms.Result // for a State of Peeked, Admitted or Denied

	key  string
	cost int64
	hung *atomic.Int64
}

// A State says how far a limiter has been asked, and what it said.
type State int

// The states of a Part.
const (
	Unasked State = iota // another's denial came before
	Peeked               // not charged; Result says what it has left
	Admitted
	Denied
	Never   // denied for good: the cost is above what the limit can ever admit
	Passed  // no answer; the policy lets pass
	Refused // no answer; the policy refuses
)

// An Outcome is what becomes of a request.
type Outcome int

// The outcomes.
const (
	Pass        Outcome = iota
	Deny                // a limiter denies
	Unavailable         // a limiter failed, and its policy is to refuse
	Gone                // the request itself has ended: nobody waits for an answer
)

var decisions = sync.Pool{New: func() any { return new(Decision) }}

// Decide asks the limiters of the rules that apply. Free must be called once the answer has been used.
//
// One limiter is asked once. Of several, the second to the last are asked first what they would say, and
// nobody is charged if one denies. Requests that race may still charge a limiter for a request that
// another then denies: between the question and the charge, others may come. With ChargeEach all are
// charged, whatever the others say.
func (g *Gate) Decide(r *http.Request) *Decision {
	d := decisions.Get().(*Decision)
	d.gate, d.request = g, r
	for _, rule := range g.Rules {
		if key, cost, ok := rule.applies(r); ok {
			d.Parts = append(d.Parts, Part{Rule: rule, key: key, cost: cost, hung: &rule.hung})
			p := &d.Parts[len(d.Parts)-1]
			limiter, err := rule.limiterOf(r)
			if p.Limiter = limiter; err != nil {
				d.failed(p, err)
			}
		}
	}
	if g.ChargeEach {
		d.chargeEach()
	} else {
		d.allOrNothing()
	}
	return d
}

// Free gives the decision back; its Parts must not be used afterwards.
func (d *Decision) Free() {
	clear(d.Parts)
	*d = Decision{Parts: d.Parts[:0]}
	decisions.Put(d)
}

func (d *Decision) chargeEach() {
	for i := range d.Parts {
		if p := &d.Parts[i]; p.State == Unasked && !d.gone {
			d.charge(p)
		}
	}
}

func (d *Decision) allOrNothing() {
	for i := range d.Parts {
		if p := &d.Parts[i]; i > 0 && p.State == Unasked && d.Outcome() == Pass {
			d.peek(p)
		}
	}
	if d.Outcome() != Pass {
		return
	}
	for i := range d.Parts {
		if p := &d.Parts[i]; p.State == Peeked && !p.fits() {
			d.charge(p) // a denial charges nothing, and tells the wait for just this cost
		}
	}
	for i := range d.Parts {
		if p := &d.Parts[i]; (p.State == Unasked || p.State == Peeked) && d.Outcome() == Pass {
			d.charge(p)
		}
	}
}

// fits reports whether a limiter that was asked what it would say to a cost of 1 has room for the cost.
func (p *Part) fits() bool {
	return p.Result.Allowed && p.cost >= 1 && p.cost-1 <= p.Result.Remaining
}

func (d *Decision) peek(p *Part) {
	result, err := d.ask(p, 0)
	if err != nil {
		if d.failed(p, err); p.State == Unasked && !d.gone {
			d.peek(p)
		}
		return
	}
	p.State, p.Result = Peeked, result
}

func (d *Decision) charge(p *Part) {
	result, err := d.ask(p, p.cost)
	switch {
	case err != nil:
		if d.failed(p, err); p.State == Unasked && !d.gone {
			d.charge(p)
		}
		return
	case result.Allowed:
		p.State = Admitted
	default:
		p.State = Denied
	}
	p.Result = result
}

func (d *Decision) ask(p *Part, cost int64) (algorithms.Result, error) {
	return ask(d.request.Context(), p.Rule.Timeout, p.hung, question{p.Limiter, p.key, cost})
}

// failed does what the policy says. A part that has fallen back to another limiter is Unasked again.
func (d *Decision) failed(p *Part, err error) {
	policy := p.Rule.OnFailure
	switch {
	case d.request.Context().Err() != nil:
		d.gone = true
		return
	case errors.Is(err, algorithms.ErrCostExceedsLimit):
		p.State, policy = Never, Refuse
	case policy.action == letPass:
		p.State = Passed
	case policy.action == fallBack && p.hung == &p.Rule.hung:
		p.State, p.Limiter, p.hung = Unasked, policy.limiter, &p.Rule.fallBackHung
	default: // to refuse, or the fallback has failed too
		p.State, policy = Refused, Refuse
	}
	d.gate.fail(d.request, p.Rule.Name, err, policy)
}

// Outcome returns what becomes of the request.
func (d *Decision) Outcome() Outcome {
	outcome := Pass
	for i := range d.Parts {
		switch d.Parts[i].State {
		case Denied, Never:
			outcome = Deny
		case Refused:
			if outcome == Pass {
				outcome = Unavailable
			}
		}
	}
	if d.gone {
		return Gone
	}
	return outcome
}

// RetryAfter returns the longest wait of those that deny, or 0 where no wait is known that would help.
func (d *Decision) RetryAfter() (wait time.Duration) {
	for i := range d.Parts {
		switch p := &d.Parts[i]; p.State {
		case Denied:
			wait = max(wait, p.Result.RetryAfter)
		case Never:
			return 0
		}
	}
	return wait
}

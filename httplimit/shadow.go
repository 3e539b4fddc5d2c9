package httplimit

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-weir/weir/algorithms"
)

// Shadow makes a limiter decide and report without ever refusing a request. It serves to try a new limit on real traffic, beside
// the limits in force or without any. [OnShadow] or [ShadowHeader] reports what the limiter would have done; one of them must be
// given. Clients see no other effect: neither Retry-After nor any other header field.
//
// The limiter is asked once, after the limits in force, about the requests that they admit. It is charged for the requests that
// it would have admitted. So it denies what it would deny in force, with one difference: a request that it denies passes, and
// is charged to the limits in force. With [ChargeEach] it is asked about all requests, as every limiter is. Several such
// limiters decide independently of each other.
//
// If the limiter fails, its [OnFailure] decides what is reported, and the request passes. The request also passes, and the
// function of OnError is called, if its key, cost or limit is wrong or the limiter panics. A request waits for one more answer,
// for at most the limiter's [Timeout], or twice that with FallBack. If that is too long, set a shorter Timeout.
func Shadow() RuleOption { return ruleOption(func(r *rule) { r.shadow = true }) }

// A Shadowed is what a limiter with the option [Shadow] would have done with a request.
type Shadowed struct {
	Limiter string            // its Name
	Outcome Outcome           // Pass, Denied, or Unavailable if it failed and its policy is to refuse
	Limit   algorithms.Limit  // its limit; zero if it has no method Limit
	Result  algorithms.Result // its answer; zero if there is none, or the request costs more than it can ever admit
}

// OnShadow sets a function that is called with the decision of each limiter with the option [Shadow], before the next handler is
// called. It isn't called for requests about which that limiter isn't asked, such as those that a limit in force denies.
func OnShadow(f func(*http.Request, Shadowed)) DeciderOption {
	return deciderOption(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnShadow is nil")
		}
		m.onShadow = f
	})
}

// ShadowHeader sets the header field X-RateLimit-Shadow, for the people who try a limit. Clients can ignore it. It is a list of
// structured fields, with an item for each limiter with the option [Shadow] that was asked:
//
//	X-RateLimit-Shadow: "strict";q=10;r=0;t=12;denied, "daily";q=1000;r=712;t=50122
//
// q, r and t are those of [IETFDraft11]. An item has "denied" if the limiter would have denied the request, and "unavailable"
// if it would have been refused because the limiter failed.
func ShadowHeader() Option { return middlewareOption(func(m *middleware) { m.showShadow = true }) }

const shadowField = "X-Ratelimit-Shadow"

// checkShadows records an error for each shadow whose decisions nothing reports.
func (m *middleware) checkShadows() {
	for i, rule := range m.rules {
		if rule.shadow && m.onShadow == nil && !m.showShadow {
			rule.complain("limiter %d is a Shadow and nothing reports what it decides, want OnShadow or, with New, ShadowHeader", i+1)
		}
	}
}

// beginShadow adds the part of a rule with the option Shadow, if it applies.
func (q *inquiry) beginShadow(rule *rule) {
	defer q.catch(rule)
	q.shadows = q.begin(q.shadows, rule)
}

// askShadows asks the limiters with the option Shadow, after those in force have decided.
func (q *inquiry) askShadows() {
	if q.gone || q.outcome() != Pass && !q.decider.chargeEach {
		clear(q.shadows)
		q.shadows = q.shadows[:0]
	}
	for i := range q.shadows {
		if p := &q.shadows[i]; p.state == unasked {
			q.askShadow(p)
		}
	}
}

func (q *inquiry) askShadow(p *part) {
	defer q.catch(p.rule)
	q.charge(p)
	q.gone = false // set if the client has gone since the limits in force admitted the request
}

// catch recovers a panic about a limiter with the option Shadow, and reports it.
func (q *inquiry) catch(rule *rule) {
	switch v := recover().(type) {
	case nil:
	case error:
		q.decider.tell(q.request, &rule.panics, Failure{rule.name, fmt.Errorf("weir: a limiter that is a Shadow panicked: %w", v), LetPass})
	default:
		q.decider.tell(q.request, &rule.panics, Failure{rule.name, fmt.Errorf("weir: a limiter that is a Shadow panicked: %v", v), LetPass})
	}
}

// reportShadows calls the function of OnShadow.
func (q *inquiry) reportShadows() {
	if q.decider.onShadow == nil {
		return
	}
	for i := range q.shadows {
		if p := &q.shadows[i]; p.state != unasked {
			q.decider.onShadow(q.request, Shadowed{p.rule.name, p.state.outcome(), p.limit(), p.result})
		}
	}
}

// setShadowField sets the field of ShadowHeader.
func (m *middleware) setShadowField(h http.Header, parts []part) {
	if !m.showShadow {
		return
	}
	var buf []byte
	for i := range parts {
		p := &parts[i]
		if p.state == unasked {
			continue
		}
		buf = m.appendName(buf, 0, p)
		if hasResult(p) {
			buf = appendInteger(buf, ";q=", p.result.Limit)
			buf = appendInteger(buf, ";r=", left(p))
			buf = appendInteger(buf, ";t=", seconds(untilMore(p)))
		}
		if outcome := p.state.outcome(); outcome != Pass {
			buf = append(append(buf, ';'), outcome.String()...)
		}
	}
	if len(buf) > 0 {
		h[shadowField] = []string{strings.Join(append(h[shadowField], string(buf)), ", ")} // outer middlewares come first
	}
}

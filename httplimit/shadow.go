package httplimit

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-weir/weir/algorithms"
)

// Shadow makes a limiter one that is only tried: it decides and reports, and never refuses a request. So a new limit can be
// tried on the traffic as it is, beside the limits in force or without any. [OnShadow] or [ShadowHeader] reports what it would
// have done; one of them must be given. Nothing else that a client sees depends on it: no Retry-After, no other header field.
//
// It counts as if it were in force. It is asked once, after the limits in force and about the requests that they admit, and
// it is charged for those that it would have admitted. So what it denies is what it would have denied beside them. One thing
// can't be as it would be: what it denies passes, and is charged to the limits in force. With [ChargeEach] it is asked
// about all requests, as every limiter is then. Several shadows are tried each for itself.
//
// If it fails, what [OnFailure] says decides what is reported, and the request passes. So does a request whose key, cost or
// limit can't be had, or whose question panics: OnError is told. A shadow makes a request wait for one more answer, at most
// for its [Timeout], or twice that with FallBack. If that is too long, give it a shorter one.
func Shadow() RuleOption { return ruleOption(func(r *rule) { r.shadow = true }) }

// A Shadowed is what a limiter with the option [Shadow] would have done with a request.
type Shadowed struct {
	Limiter string            // its Name
	Outcome Outcome           // Pass, Denied, or Unavailable where it failed and its policy is to refuse
	Limit   algorithms.Limit  // its limit; zero if it has no method Limit
	Result  algorithms.Result // its answer; zero if there is none, or the request costs more than it can ever admit
}

// OnShadow sets a function that is told what each limiter with the option [Shadow] would have done with a request, before
// the next handler is called. It isn't told of requests about which that limiter isn't asked, such as those that a limit in
// force denies.
func OnShadow(f func(*http.Request, Shadowed)) DeciderOption {
	return deciderOption(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnShadow is nil")
		}
		m.onShadow = f
	})
}

// ShadowHeader sets the header field X-RateLimit-Shadow, for those who try a limit: clients need not regard it. It is a list
// of structured fields, with an item for each limiter with the option [Shadow] that was asked:
//
//	X-RateLimit-Shadow: "strict";q=10;r=0;t=12;denied, "daily";q=1000;r=712;t=50122
//
// q, r and t are those of [IETFDraft11]. An item has "denied" if the limiter would have denied the request, and "unavailable"
// if it would have been refused because the limiter failed.
func ShadowHeader() Option { return middlewareOption(func(m *middleware) { m.showShadow = true }) }

const shadowField = "X-Ratelimit-Shadow"

// checkShadows complains of limiters that are tried in vain.
func (m *middleware) checkShadows() {
	for i, rule := range m.rules {
		if rule.shadow && m.onShadow == nil && !m.showShadow {
			rule.complain("limiter %d is a Shadow and nothing reports what it decides, want OnShadow or, with New, ShadowHeader", i+1)
		}
	}
}

// beginShadow adds the part of a rule that is tried, if it applies.
func (q *inquiry) beginShadow(rule *rule) {
	defer q.catch(rule)
	q.shadows = q.begin(q.shadows, rule)
}

// askShadows asks the limiters that are tried, once those in force have decided.
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
	q.gone = false // it may have found out that the client has gone; the limits in force have admitted the request
}

// catch ends a panic about a limiter that is tried, and tells of it.
func (q *inquiry) catch(rule *rule) {
	switch v := recover().(type) {
	case nil:
	case error:
		q.decider.tell(q.request, &rule.panics, Failure{rule.name, fmt.Errorf("weir: a limiter that is a Shadow panicked: %w", v), LetPass})
	default:
		q.decider.tell(q.request, &rule.panics, Failure{rule.name, fmt.Errorf("weir: a limiter that is a Shadow panicked: %v", v), LetPass})
	}
}

// reportShadows tells the hook.
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
		h[shadowField] = []string{strings.Join(append(h[shadowField], string(buf)), ", ")} // those further out are told first
	}
}

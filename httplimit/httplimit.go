package httplimit

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/gate"
)

// ErrHung is the error of a request for which a limiter was not asked, as 1,024 earlier questions to it
// were given up at their Timeout and still have no answer. OnError is told; the policy decides.
var ErrHung = gate.ErrHung

// New returns a middleware that asks the limiter about each request, and lets it through to the next
// handler or answers 429 Too Many Requests. Without options each client address is counted for itself
// (ClientIP), each request costs 1, and a request for which the limiter gives no answer within 250 ms is
// let through.
//
// Options that concern one limiter are the given one's here, and another's in [Also]. An option given
// twice counts as given last, but for Skip: all of them hold.
//
// New panics for a configuration that cannot work, such as a nil limiter, a nil function or two limiters
// of one name, with an error that wraps algorithms.ErrInvalidOption and says all that is wrong.
func New(limiter algorithms.Limiter, opts ...Option) func(http.Handler) http.Handler {
	m := &middleware{body: Detail}
	m.add(limiter)
	for _, opt := range opts {
		if opt == nil {
			m.complain("an option is nil")
			continue
		}
		opt.apply(m)
	}
	if err := errors.Join(m.gate.Check(), errors.Join(m.wrong...)); err != nil {
		panic(err)
	}
	for _, rule := range m.gate.Rules {
		m.names = append(m.names, string(appendString(nil, rule.Name)))
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m.admit(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

type middleware struct {
	gate     gate.Gate
	style    HeaderStyle
	body     Responder
	onDenied func(*http.Request, Verdict) // nil: nobody is told
	names    []string                     // of the rules, as the IETF's fields have them
	wrong    []error
}

// A Verdict is why a request was refused.
type Verdict struct {
	Status     int               // 429, or 503 where a limiter failed and its policy is Refuse
	RetryAfter time.Duration     // the longest wait of those that deny; 0: no wait is known that would help
	Denied     []string          // the names of those that deny
	Result     algorithms.Result // of the one that denies with the longest wait, if one does
}

// add adds a rule for the limiter, with the defaults.
func (m *middleware) add(limiter algorithms.Limiter) *gate.Rule {
	rule := gate.NewRule(limiter)
	rule.Key = ClientIP()
	m.gate.Rules = append(m.gate.Rules, rule)
	return rule
}

func (m *middleware) complain(format string, args ...any) {
	m.wrong = append(m.wrong, gate.Invalid(format, args...))
}

// admit decides on the request, sets the header fields and, unless it is admitted, answers it.
func (m *middleware) admit(w http.ResponseWriter, r *http.Request) bool {
	d := m.gate.Decide(r)
	defer d.Free()
	m.setHeaders(w.Header(), d.Parts)
	switch d.Outcome() {
	case gate.Pass:
		return true
	case gate.Gone:
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	case gate.Unavailable:
		setRetryAfter(w.Header(), time.Second)
		m.body(w, r, Verdict{Status: http.StatusServiceUnavailable})
		return false
	}
	verdict := Verdict{Status: http.StatusTooManyRequests, RetryAfter: d.RetryAfter()}
	for i := range d.Parts {
		p := &d.Parts[i]
		if p.State == gate.Denied || p.State == gate.Never {
			verdict.Denied = append(verdict.Denied, p.Rule.Name)
		}
	}
	if p := tightest(d.Parts); p != nil && p.State == gate.Denied {
		verdict.Result = p.Result
	}
	if verdict.RetryAfter > 0 {
		setRetryAfter(w.Header(), verdict.RetryAfter)
	}
	if m.onDenied != nil {
		m.onDenied(r, verdict)
	}
	m.body(w, r, verdict)
	return false
}

package httplimit

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// New returns a middleware that asks the limiter about each request, and calls the next handler or answers 429 Too Many Requests.
// Without options each client address has a key of its own ([ClientIP]), and each request costs 1. If the limiter gives no answer
// within 250 ms, a limiter of the same limit in this process decides ([Local]). Failures are logged to log/slog's default logger.
//
// Limiters of equal limits on one server share their counts unless they have different names. If the middlewares of two routes
// have such limiters, a client's ten searches may make its first login a 429. So give each limiter a name:
//
//	gcra.New(runner, algorithms.PerMinute(10), algorithms.WithName("login"))
//
// An option that concerns one limiter applies to limiter here, and to another limiter in [Also]. If an option is given twice the
// last one counts, except for [Skip]: all of them apply.
//
// The error wraps algorithms.ErrNilLimiter for a limiter that is nil, and algorithms.ErrInvalidOption for any other
// configuration that can't work. Examples are a nil function, two limiters of one name, two limiters that share one count, and a
// limiter without a method Local if [OnFailure] isn't given. The error names everything that is wrong.
//
// The limiter gets a context with the request's values, which ends at the [Timeout] or at the request's own deadline. If the
// deadline comes first, the policy decides. A canceled context doesn't end the call of the limiter, as it doesn't mean that the
// client has gone: net/http also cancels the context if a client closes its side of the connection and waits for the answer.
func New(limiter algorithms.Limiter, opts ...Option) (func(http.Handler) http.Handler, error) {
	m, err := configure(limiter, opts, true)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if charges, ok := m.admit(w, r); ok {
				m.serve(next, w, r, charges)
			}
		})
	}, nil
}

type middleware struct {
	Decider
	style      HeaderStyle
	showShadow bool
	body       Responder
	names      []string // of the rules, as in the IETF's fields
	wrong      []error
}

// A Verdict says why a request was refused.
type Verdict struct {
	Status     int               // 429, or 503 if a limiter failed and the request is refused
	RetryAfter time.Duration     // the longest wait of the limiters that deny; 0 if no wait is known to help
	Denied     []string          // the names of the limiters that deny
	Result     algorithms.Result // that of the denial with the longest wait, if there is one
}

// configure returns the middleware that the options describe, or an error that names everything that is wrong. If answers is
// false, the middleware only decides, and doesn't answer requests.
func configure[O Option](limiter algorithms.Limiter, opts []O, answers bool) (*middleware, error) {
	m := &middleware{body: Detail}
	m.add(limiter)
	each(opts, m.complain, func(opt O) { opt.apply(m) })
	m.checkShadows()
	if !answers {
		m.complainOfSettle()
	}
	if err := errors.Join(m.check(), errors.Join(m.wrong...)); err != nil {
		return nil, err
	}
	for _, rule := range m.rules {
		m.names = append(m.names, string(appendString(nil, rule.name)))
	}
	return m, nil
}

// complain records that the middleware cannot work.
func (m *middleware) complain(format string, args ...any) {
	m.wrong = append(m.wrong, invalid(format, args...))
}

// admit decides on the request and sets the header fields. If the request is admitted, it returns the charges that are to be
// settled. Otherwise it answers the request.
func (m *middleware) admit(w http.ResponseWriter, r *http.Request) (charges []charge, ok bool) {
	q := m.ask(r, true)
	defer q.free()
	q.reportShadows()
	m.setHeaders(w.Header(), q.parts)
	m.setShadowField(w.Header(), q.shadows)
	outcome := q.outcome()
	if outcome == Pass {
		return q.charges(), true
	}
	if !m.chargeEach {
		m.giveBack(r, q.charges())
	}
	if outcome == Unavailable {
		if wait := q.unavailableWait(); wait > 0 {
			setRetryAfter(w.Header(), wait)
		}
		m.body(w, r, Verdict{Status: http.StatusServiceUnavailable})
		return nil, false
	}
	verdict := q.verdict()
	if verdict.RetryAfter > 0 {
		setRetryAfter(w.Header(), verdict.RetryAfter)
	}
	if m.onDenied != nil {
		m.onDenied(r, verdict)
	}
	m.body(w, r, verdict)
	return nil, false
}

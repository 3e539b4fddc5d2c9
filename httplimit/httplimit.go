package httplimit

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// New returns a middleware that asks the limiter about each request, and calls the next handler or
// answers 429 Too Many Requests. Without options each client address is counted for itself ([ClientIP]),
// each request costs 1, and a request passes if the limiter gives no answer within 250 ms.
//
// Options that concern one limiter apply to the given one here, and to another in [Also]. Of an option that
// is given twice the last counts, except for [Skip]: all of them hold.
//
// The error wraps algorithms.ErrNilLimiter for a limiter that is nil, and algorithms.ErrInvalidOption for
// other configurations that can't work, such as a nil function or two limiters of one name. It names all
// that is wrong.
func New(limiter algorithms.Limiter, opts ...Option) (func(http.Handler) http.Handler, error) {
	m, err := configure(limiter, opts)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m.admit(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}, nil
}

type middleware struct {
	Decider
	style HeaderStyle
	body  Responder
	names []string // of the rules, as the IETF's fields have them
	wrong []error
}

// A Verdict says why a request was refused.
type Verdict struct {
	Status     int               // 429, or 503 where a limiter failed and its policy is Refuse
	RetryAfter time.Duration     // the longest wait of the limiters that deny; 0 if no wait is known to help
	Denied     []string          // the names of the limiters that deny
	Result     algorithms.Result // of the one that denies with the longest wait, if one does
}

// configure returns what the options make of the defaults, or all that is wrong with it.
func configure[O Option](limiter algorithms.Limiter, opts []O) (*middleware, error) {
	m := &middleware{body: Detail}
	m.add(limiter)
	each(opts, m.complain, func(opt O) { opt.apply(m) })
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

// admit decides on the request, sets the header fields and, unless it is admitted, answers it.
func (m *middleware) admit(w http.ResponseWriter, r *http.Request) bool {
	q := m.ask(r)
	defer q.free()
	m.setHeaders(w.Header(), q.parts)
	switch q.outcome() {
	case Pass:
		return true
	case Gone:
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	case Unavailable:
		setRetryAfter(w.Header(), unavailableWait)
		m.body(w, r, Verdict{Status: http.StatusServiceUnavailable})
		return false
	}
	verdict := q.verdict()
	if verdict.RetryAfter > 0 {
		setRetryAfter(w.Header(), verdict.RetryAfter)
	}
	if m.onDenied != nil {
		m.onDenied(r, verdict)
	}
	m.body(w, r, verdict)
	return false
}

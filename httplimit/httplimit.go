package httplimit

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// New returns a middleware that asks the limiter about each request, and calls the next handler or
// answers 429 Too Many Requests. Without options each client address is counted for itself ([ClientIP]),
// each request costs 1, and if the limiter gives no answer within 250 ms, a limiter of the same limit in this process
// decides ([Local]). Failures are logged to log/slog's default logger.
//
// Limiters count together where nothing tells them apart. If middlewares of two routes have limiters of equal limits on
// one server, a client's ten searches may make its first login a 429. So give each limiter a name:
//
//	gcra.New(runner, algorithms.PerMinute(10), algorithms.WithName("login"))
//
// Options that concern one limiter apply to the given one here, and to another in [Also]. Of an option that
// is given twice the last counts, except for [Skip]: all of them hold.
//
// The error wraps algorithms.ErrNilLimiter for a limiter that is nil, and algorithms.ErrInvalidOption for
// other configurations that can't work, such as a nil function, two limiters of one name, two that share one count, or a
// limiter that has no method Local where no [OnFailure] is given. It names all that is wrong.
//
// The end of a request's context doesn't end the question about it, as it doesn't mean that the client has gone: net/http
// cancels the context also if a client closes its side of the connection and waits for the answer. The limiter gets a
// context with the request's values, which ends at the [Timeout] or at the request's own deadline. If that comes
// sooner, the policy decides.
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
	names      []string // of the rules, as the IETF's fields have them
	wrong      []error
}

// A Verdict says why a request was refused.
type Verdict struct {
	Status     int               // 429, or 503 where a limiter failed and the request is refused
	RetryAfter time.Duration     // the longest wait of the limiters that deny; 0 if no wait is known to help
	Denied     []string          // the names of the limiters that deny
	Result     algorithms.Result // of the one that denies with the longest wait, if one does
}

// configure returns what the options make of the defaults, or all that is wrong with it. answers tells whether it is to answer
// requests, and not only to decide.
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

// admit decides on the request, sets the header fields and, unless it is admitted, answers it. The charges of one that is
// admitted are to be settled.
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

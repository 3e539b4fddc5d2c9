package httplimit

import (
	"net/http"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/gate"
)

// An Option changes what New makes.
type Option interface{ apply(m *middleware) }

type option func(*middleware)

func (o option) apply(m *middleware) { o(m) }

// Also adds a limiter that is asked about each request too, by its own key, cost and policy. It needs a
// Name. All must admit a request, and no limiter is charged for a request that another denies: see the
// package's documentation for how that is done, and [ChargeEach] for the other way.
func Also(limiter algorithms.Limiter, opts ...RuleOption) Option {
	return option(func(m *middleware) {
		gate.Configure(m.add(limiter), opts)
	})
}

// ChargeEach lets every limiter be asked and charged for every request to which it applies, also for those
// that another denies. It is what Django REST framework does; it costs one question to each limiter, and
// a client that doesn't wait for one limit uses up the others.
func ChargeEach() Option {
	return option(func(m *middleware) { m.gate.ChargeEach = true })
}

// Headers says which header fields tell the client how much it has left; [XRateLimit] by default.
func Headers(style HeaderStyle) Option {
	return option(func(m *middleware) {
		if style < XRateLimit || style > NoHeaders {
			m.complain("header style %d is none", style)
		}
		m.style = style
	})
}

// Body sets what writes the answer to a refused request; [Detail] by default.
func Body(b Responder) Option {
	return option(func(m *middleware) {
		if b == nil {
			m.complain("the Responder of Body is nil")
		}
		m.body = b
	})
}

// A Failure is a question that a limiter did not answer, and what was done.
type Failure struct {
	Limiter string // its Name
	Err     error
	Policy  Policy // what was done
}

// OnError sets a function that is told of each failure of a limiter, before the request is answered: of
// its errors, of a Timeout (the error wraps context.DeadlineExceeded), of [ErrHung], of a Cost below 0 and
// of a limit that LimitFunc can't use. It is told of a Cost above what the limit can ever admit too
// (algorithms.ErrCostExceedsLimit): that is no failure but a denial, whatever the policy. It is not told
// where the client has gone.
func OnError(f func(*http.Request, Failure)) Option {
	return option(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnError is nil")
		}
		m.gate.OnError = func(r *http.Request, failure gate.Failure) { f(r, Failure(failure)) }
	})
}

// OnDenied sets a function that is told of each request that a limiter denies, before it is answered.
func OnDenied(f func(*http.Request, Verdict)) Option {
	return option(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnDenied is nil")
		}
		m.onDenied = f
	})
}

// DjangoREST lets clients see what Django REST framework's throttles show them: it is ChargeEach, the
// Detail body, and no header field but Retry-After. With slidinglog it also decides as they do.
func DjangoREST() Option {
	return option(func(m *middleware) { m.gate.ChargeEach, m.body, m.style = true, Detail, NoHeaders })
}

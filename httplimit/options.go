package httplimit

import (
	"net/http"

	"github.com/go-weir/weir/algorithms"
)

// An Option changes what New makes. Those that concern the answer in HTTP, such as [Headers], are an Option
// and no more.
type Option interface{ apply(m *middleware) }

// A DeciderOption is an Option that concerns deciding, and not the answer: NewDecider takes it too.
type DeciderOption interface {
	Option
	AdapterOption
}

// A RuleOption is a DeciderOption that concerns one limiter: in New and NewDecider the one given there, in
// Also that one.
type RuleOption interface {
	DeciderOption
	configure(r *rule)
}

// An AdapterOption is an option of a package that adapts a Decider to another kind of server. Such a package
// can take AdapterOptions, and so each DeciderOption beside options of its own. It makes its own by embedding
// this interface in a struct, and hands the DeciderOptions on to NewDecider:
//
//	type option struct {
//		httplimit.AdapterOption // left nil
//		apply func(*Interceptor)
//	}
//
// What it makes like that is neither an Option nor a DeciderOption, so New and NewDecider don't take it.
type AdapterOption interface{ concernsDeciding() }

type option func(*middleware)

func (o option) apply(m *middleware) { o(m) }

type deciderOption func(*middleware)

func (o deciderOption) apply(m *middleware) { o(m) }
func (deciderOption) concernsDeciding()     {}

type ruleOption func(*rule)

func (o ruleOption) configure(r *rule)   { o(r) }
func (o ruleOption) apply(m *middleware) { o(m.rules[0]) }
func (ruleOption) concernsDeciding()     {}

// Also adds a limiter that is asked about each request too, by its own key, cost and policy. It needs a
// Name. All must admit a request, and no limiter is charged for a request that another denies: see the
// package's documentation for how that is done, and [ChargeEach] for the other way.
func Also(limiter algorithms.Limiter, opts ...RuleOption) DeciderOption {
	return deciderOption(func(m *middleware) {
		r := m.add(limiter)
		each(opts, r.complain, func(opt RuleOption) { opt.configure(r) })
	})
}

// each applies options, and complains of those that are nil.
func each[O Option](opts []O, complain func(format string, args ...any), apply func(O)) {
	for _, opt := range opts {
		if any(opt) == nil {
			complain("an option is nil")
			continue
		}
		apply(opt)
	}
}

// ChargeEach lets every limiter be asked and charged for every request to which it applies, also for those
// that another denies. It is what Django REST framework does; it costs one question to each limiter, and
// a client that doesn't wait for one limit uses up the others.
func ChargeEach() DeciderOption {
	return deciderOption(func(m *middleware) { m.chargeEach = true })
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

// OnError sets a function that is told of each failure of a limiter, before the request is answered: of
// its errors, of a Timeout (the error wraps context.DeadlineExceeded), of [ErrHung], of a Cost below 0 and
// of a limit that LimitFunc can't use. It is told of a Cost above what the limit can ever admit too
// (algorithms.ErrCostExceedsLimit): that is no failure but a denial, whatever the policy. It is not told
// where the client has gone.
func OnError(f func(*http.Request, Failure)) DeciderOption {
	return deciderOption(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnError is nil")
		}
		m.onError = f
	})
}

// OnDenied sets a function that is told of each request that a limiter denies, before it is answered. The
// Verdict's Status is 429 by whatever protocol the request came, so that one function can serve all.
func OnDenied(f func(*http.Request, Verdict)) DeciderOption {
	return deciderOption(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnDenied is nil")
		}
		m.onDenied = f
	})
}

// DjangoREST lets clients see what Django REST framework's throttles show them: it is ChargeEach, the
// Detail body, and no header field but Retry-After. With slidinglog it also decides as they do.
func DjangoREST() Option {
	return option(func(m *middleware) { m.chargeEach, m.body, m.style = true, Detail, NoHeaders })
}

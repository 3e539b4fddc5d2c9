package httplimit

import (
	"log/slog"
	"net/http"

	"github.com/go-weir/weir/algorithms"
)

// An Option changes how [New] makes a middleware. Options that concern the answer in HTTP, such as [Headers],
// are Options only.
type Option interface{ apply(m *middleware) }

// A DeciderOption is an Option that concerns the decision, and not the answer. [NewDecider] takes it as well.
type DeciderOption interface {
	Option
	AdapterOption
}

// A RuleOption is a DeciderOption that concerns one limiter: the one that is given to the same [New],
// [NewDecider] or [Also].
type RuleOption interface {
	DeciderOption
	configure(r *rule)
}

// An AdapterOption is an option of a package that adapts a [Decider] to another kind of server. If such a
// package takes AdapterOptions, it takes each DeciderOption beside options of its own. It makes its own by
// embedding this interface in a struct, and passes the DeciderOptions on to [NewDecider]:
//
//	type option struct {
//		httplimit.AdapterOption // left nil
//		apply func(*Interceptor)
//	}
//
// An option that is made in this way is neither an Option nor a DeciderOption: New and NewDecider don't take it.
type AdapterOption interface{ concernsDeciding() }

type middlewareOption func(*middleware)

func (o middlewareOption) apply(m *middleware) { o(m) }

type deciderOption func(*middleware)

func (o deciderOption) apply(m *middleware) { o(m) }
func (deciderOption) concernsDeciding()     {}

type ruleOption func(*rule)

func (o ruleOption) configure(r *rule)   { o(r) }
func (o ruleOption) apply(m *middleware) { o(m.rules[0]) }
func (ruleOption) concernsDeciding()     {}

// Also adds another limiter, with its own key, cost and policy. It needs a [Name]. All limiters must admit a request, and none is
// charged for a request that another one denies. The documentation of the package says how that is done. [ChargeEach] changes it.
//
// The limiter must not share a count with another limiter of the middleware. Otherwise each request would be charged to it
// twice, or keys of one kind would count for keys of the other. So limiters of equal limits, and limiters of fixedwindow or
// slidinglog with one Period, need different names (algorithms.WithName). If they also count the same requests by the default
// key, New returns an error.
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

// ChargeEach makes every limiter be called and charged for every request that it applies to, even for requests that another
// limiter denies. Django REST framework does that. Each limiter is called once. A client that doesn't wait for one limit uses up
// the others too.
func ChargeEach() DeciderOption {
	return deciderOption(func(m *middleware) { m.chargeEach = true })
}

// Headers sets which header fields tell the client how much it has left. The default is [XRateLimit].
func Headers(style HeaderStyle) Option {
	return middlewareOption(func(m *middleware) {
		if style < XRateLimit || style > NoHeaders {
			m.complain("header style %d is none", style)
		}
		m.style = style
	})
}

// Body sets the function that writes the answer to a refused request. The default is [Detail].
func Body(b Responder) Option {
	return middlewareOption(func(m *middleware) {
		if b == nil {
			m.complain("the Responder of Body is nil")
		}
		m.body = b
	})
}

// OnError sets a function that is called with each failure of a limiter, before the request is answered. Failures are
//
//   - errors of the limiter;
//   - the end of the [Timeout]: the error wraps context.DeadlineExceeded, and the cause if it is known;
//   - [ErrHung] and [ErrAway];
//   - a [Cost] below 0, and a limit that [LimitFunc] can't use.
//
// The function is also called for a Cost above what the limit can ever admit (algorithms.ErrCostExceedsLimit). That is a denial,
// whatever the policy, and not a failure. After the answer the function is called for charges that [Settle] could not settle
// ([ErrNotSettled]). It isn't called if a [Decider] finds that the client has gone. If a limiter panics after its call was given
// up, the function is called by another goroutine, after the request was answered.
//
// Without this option failures are logged, as [Logger] says. With it they aren't, unless Logger is given too.
func OnError(f func(*http.Request, Failure)) DeciderOption {
	return deciderOption(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnError is nil")
		}
		m.onError = f
	})
}

// Logger sets the logger of failures. The default is log/slog's default logger, unless [OnError] is given. The first failure
// of a limiter is logged at once. From then on at most one failure in ten seconds is logged, with the number of those in between.
// When the limiter answers again, the log says how many failures there were and for how long.
func Logger(l *slog.Logger) DeciderOption {
	return deciderOption(func(m *middleware) {
		if l == nil {
			m.complain("the logger of Logger is nil")
		}
		m.logger = l
	})
}

// OnDenied sets a function that is called for each request that a limiter denies, before the request is
// answered. The Verdict's Status is 429 for every protocol, so that one function can serve all.
func OnDenied(f func(*http.Request, Verdict)) DeciderOption {
	return deciderOption(func(m *middleware) {
		if f == nil {
			m.complain("the function of OnDenied is nil")
		}
		m.onDenied = f
	})
}

// DjangoREST makes answers look like those of Django REST framework's throttles: it sets [ChargeEach], the
// [Detail] body, and no header field but Retry-After. With slidinglog the decisions are the same too.
func DjangoREST() Option {
	return middlewareOption(func(m *middleware) { m.chargeEach, m.body, m.style = true, Detail, NoHeaders })
}

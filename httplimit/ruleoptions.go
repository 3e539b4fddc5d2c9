package httplimit

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// Name sets the limiter's name for clients, [OnError] and [OnDenied]. The default name of the limiter of [New] is
// "default". The name may be any text but "". In the IETF's header fields bytes that are not
// printable ASCII, and the percent sign, are percent-encoded.
func Name(name string) RuleOption {
	return ruleOption(func(r *rule) {
		if name == "" {
			r.complain("a name is empty")
		}
		r.name = name
	})
}

// Key sets the function that returns a request's key. Requests of one key share an allowance. The default is
// [ClientIP].
func Key(f KeyFunc) RuleOption {
	return ruleOption(func(r *rule) { r.key, r.keyed = f, true })
}

// Skip excludes requests for which f returns true: the limiter doesn't apply to them.
func Skip(f func(*http.Request) bool) RuleOption {
	return ruleOption(func(r *rule) {
		if f == nil {
			r.complain("the function of Skip is nil")
		}
		r.skip = append(r.skip, f)
	})
}

// SkipPreflight excludes CORS preflights: requests of the method OPTIONS with the fields Origin and
// Access-Control-Request-Method, which a browser sends by itself before a request to another site. By default they are counted
// and refused as all other requests. If a preflight is refused, the browser doesn't send the request.
//
// Any client can send preflights, so answering them should cost little. If the limiter shouldn't count them, put the middleware
// inside the one that answers them, or use this option. With it the next handler must not do anything else for OPTIONS.
func SkipPreflight() RuleOption { return Skip(isPreflight) }

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Origin"]) > 0 && len(r.Header["Access-Control-Request-Method"]) > 0
}

// Methods makes the limiter apply only to requests of these methods, such as "GET". They are written in upper case.
// "GET" includes HEAD, as it does in the patterns of http.ServeMux: such a request does the same work. A request's method
// matches in upper or lower case, because net/http doesn't change what the client has written.
//
// Other methods pass. If the next handler doesn't check the method, a client can pass with one that isn't named here.
// A middleware that changes the method must be further out.
func Methods(methods ...string) RuleOption {
	return ruleOption(func(r *rule) {
		if len(methods) == 0 {
			r.complain("Methods names none")
		}
		for _, method := range methods {
			if upper := strings.ToUpper(method); !isToken(method) || method != upper {
				want := http.MethodGet
				if isToken(upper) {
					want = upper
				}
				r.complain("no request has the method %q of Methods, want one such as %q", method, want)
			}
		}
		r.methods = slices.Clone(methods)
		if slices.Contains(methods, http.MethodGet) {
			r.methods = append(r.methods, http.MethodHead)
		}
	})
}

// hasMethod reports whether the rule applies to requests of that method.
func (r *rule) hasMethod(method string) bool {
	method = cmp.Or(method, http.MethodGet) // as in package http
	return r.methods == nil || slices.ContainsFunc(r.methods, func(one string) bool { return strings.EqualFold(one, method) })
}

// Cost sets the function that returns a request's cost, which is 1 by default. A request of cost 0 passes: the limiter isn't
// asked. A request that costs more than the limit can ever admit is denied, without Retry-After. A request with a cost below 0 is
// refused with 503, whatever the policy, and the function of [OnError] is called. Beware of ContentLength, which is -1 for a
// chunked body.
func Cost(f func(*http.Request) int64) RuleOption {
	return ruleOption(func(r *rule) {
		if f == nil {
			r.complain("the function of Cost is nil")
		}
		r.cost = f
	})
}

// LimiterFunc sets a function that chooses the limiter of each request. If it returns nil, the limiter is
// the one that was given to [New] or [Also]. A nil pointer is a mistake: the request is refused, and the function of
// [OnError] is called. For limits that depend on the user or the plan use [LimitFunc].
//
// Up to 1,024 limiters are remembered, with what is known of their servers. So return the same limiters again and again.
func LimiterFunc(f func(*http.Request) algorithms.Limiter) RuleOption {
	return ruleOption(func(r *rule) {
		if f == nil {
			r.complain("the function of LimiterFunc is nil")
		}
		r.choose = r.chooseLimiter(f)
	})
}

// OnFailure sets what happens to a request if the limiter gives no answer. The default is [Local], which needs a limiter with
// a method Local. All of Weir's limiters have one. For another limiter a policy must be given.
func OnFailure(p Policy) RuleOption {
	return ruleOption(func(r *rule) { r.onFailure = p })
}

// Timeout sets how long a request waits for an answer of the limiter, 250 ms by default. After that time the limiter
// has failed, even if it ignores its context, as go-redis does without ContextTimeoutEnabled. The request
// may have been charged by then. A limiter that obeys its context has 5 ms more to return the cause. If there are several
// limiters that can't be asked as one, a limiter may be asked twice, for this long each time.
//
// With 0 the limiter is called in the request's own goroutine, and must return by itself: the context that it gets ends
// only at the request's own deadline, if it has one, and in a [Decider] when the request's context does. That saves most of
// a microsecond. An *algorithms.Local is always called in this way.
func Timeout(d time.Duration) RuleOption {
	return ruleOption(func(r *rule) { r.timeout = d })
}

package httplimit

import (
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// Name sets the name by which a client and the hooks are told of the limiter: "default" for New's.
// It can be any text but "". In the IETF's header fields what is not printable ASCII, and the percent
// sign, is percent-encoded.
func Name(name string) RuleOption {
	return ruleOption(func(r *rule) {
		if name == "" {
			r.complain("a name is empty")
		}
		r.name = name
	})
}

// Key sets whom the limiter counts: requests of one key share an allowance. It is [ClientIP] by default.
func Key(f KeyFunc) RuleOption {
	return ruleOption(func(r *rule) { r.key = f })
}

// Skip lets the limiter not apply to the requests for which f returns true.
func Skip(f func(*http.Request) bool) RuleOption {
	return ruleOption(func(r *rule) {
		if f == nil {
			r.complain("the function of Skip is nil")
		}
		r.skip = append(r.skip, f)
	})
}

// Methods lets the limiter apply only to requests of these methods, such as "GET".
func Methods(methods ...string) RuleOption {
	return ruleOption(func(r *rule) {
		if len(methods) == 0 {
			r.complain("Methods names none")
		}
		r.methods = methods
	})
}

// Cost sets what a request costs; 1 by default. A request that costs 0 is free: the limiter is not asked.
// One that costs more than the limit can ever admit is denied, without Retry-After.
func Cost(f func(*http.Request) int64) RuleOption {
	return ruleOption(func(r *rule) {
		if f == nil {
			r.complain("the function of Cost is nil")
		}
		r.cost = f
	})
}

// LimiterFunc chooses a limiter for each request; nil is the one that was given to New or Also. For
// limits that depend on the user or the plan there is [LimitFunc].
func LimiterFunc(f func(*http.Request) algorithms.Limiter) RuleOption {
	return ruleOption(func(r *rule) {
		if f == nil {
			r.complain("the function of LimiterFunc is nil")
		}
		r.limiterOf = func(request *http.Request) (algorithms.Limiter, error) { return f(request), nil }
	})
}

// OnFailure sets what is done with a request when the limiter gives no answer; [LetPass] by default.
func OnFailure(p Policy) RuleOption {
	return ruleOption(func(r *rule) { r.onFailure = p })
}

// Timeout sets how long an answer of the limiter is waited for, 250 ms by default; then it has failed, also
// where it ignores its context, as go-redis does without ContextTimeoutEnabled. The request may have been
// charged by then. Where there are several limiters, one may be asked twice, for this long each time.
//
// With 0 it is waited for as long as the request's own context lasts, and it must obey that: there is no
// second goroutine, which saves most of a microsecond, as is right for a limiter in this process.
func Timeout(d time.Duration) RuleOption {
	return ruleOption(func(r *rule) { r.timeout = d })
}

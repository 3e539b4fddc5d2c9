package httplimit

import (
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/gate"
)

// A RuleOption is an Option that concerns one limiter: in New the one given there, in Also that one.
type RuleOption interface {
	Option

	// Configure is for Weir's own middlewares of other protocols, which take the same options.
	Configure(rule *gate.Rule)
}

type ruleOption func(*gate.Rule)

func (o ruleOption) Configure(rule *gate.Rule) { o(rule) }
func (o ruleOption) apply(m *middleware)       { o(m.gate.Rules[0]) }

// Name sets the name by which a client and the hooks are told of the limiter: "default" for New's.
// It can be any text but "". In the IETF's header fields what is not printable ASCII, and the percent
// sign, is percent-encoded.
func Name(name string) RuleOption {
	return ruleOption(func(rule *gate.Rule) {
		if name == "" {
			rule.Complain("a name is empty")
		}
		rule.Name = name
	})
}

// Key sets whom the limiter counts: requests of one key share an allowance. It is [ClientIP] by default.
func Key(f KeyFunc) RuleOption {
	return ruleOption(func(rule *gate.Rule) { rule.Key = f })
}

// Skip lets the limiter not apply to the requests for which f returns true.
func Skip(f func(*http.Request) bool) RuleOption {
	return ruleOption(func(rule *gate.Rule) {
		if f == nil {
			rule.Complain("the function of Skip is nil")
		}
		rule.Skip = append(rule.Skip, f)
	})
}

// Methods lets the limiter apply only to requests of these methods, such as "GET".
func Methods(methods ...string) RuleOption {
	return ruleOption(func(rule *gate.Rule) {
		if len(methods) == 0 {
			rule.Complain("Methods names none")
		}
		rule.Methods = methods
	})
}

// Cost sets what a request costs; 1 by default. A request that costs 0 is free: the limiter is not asked.
// One that costs more than the limit can ever admit is denied, without Retry-After.
func Cost(f func(*http.Request) int64) RuleOption {
	return ruleOption(func(rule *gate.Rule) {
		if f == nil {
			rule.Complain("the function of Cost is nil")
		}
		rule.Cost = f
	})
}

// LimiterFunc chooses a limiter for each request; nil is the one that was given to New or Also. For
// limits that depend on the user or the plan there is [LimitFunc].
func LimiterFunc(f func(*http.Request) algorithms.Limiter) RuleOption {
	return ruleOption(func(rule *gate.Rule) {
		if f == nil {
			rule.Complain("the function of LimiterFunc is nil")
		}
		rule.LimiterOf = func(r *http.Request) (algorithms.Limiter, error) { return f(r), nil }
	})
}

// A Policy is what is done with a request when its limiter gives no answer: [LetPass], [Refuse] or
// [FallBack].
type Policy = gate.Policy

// The policies that need no other limiter.
var (
	LetPass = gate.LetPass // as if the limiter had admitted it
	Refuse  = gate.Refuse  // 503 Service Unavailable, and Retry-After: 1
)

// FallBack returns the policy of asking another limiter, with the same key and cost, and within the
// Timeout anew. Where that one gives no answer either, the request is refused.
//
// A limiter in this process does not know what the others admit: give each of n processes its Share.
func FallBack(limiter algorithms.Limiter) Policy { return gate.FallBack(limiter) }

// OnFailure sets what is done with a request when the limiter gives no answer; [LetPass] by default.
func OnFailure(p Policy) RuleOption {
	return ruleOption(func(rule *gate.Rule) { rule.OnFailure = p })
}

// Timeout sets how long an answer of the limiter is waited for, 250 ms by default; then it has failed, also
// where it ignores its context, as go-redis does without ContextTimeoutEnabled. The request may have been
// charged by then. Where there are several limiters, one may be asked twice, for this long each time.
//
// With 0 it is waited for as long as the request's own context lasts, and it must obey that: there is no
// second goroutine, which saves most of a microsecond, as is right for a limiter in this process.
func Timeout(d time.Duration) RuleOption {
	return ruleOption(func(rule *gate.Rule) { rule.Timeout = d })
}

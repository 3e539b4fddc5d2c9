package gate

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// DefaultTimeout is the Timeout of a new rule.
const DefaultTimeout = 250 * time.Millisecond

// A Rule is a limiter, whom it counts, and what is done when it fails.
type Rule struct {
	Name      string
	Index     int                                             // its place in the Gate
	Limiter   algorithms.Limiter                              // unless LimiterOf names another
	Key       func(*http.Request) string                      // "": the rule does not apply
	Methods   []string                                        // nil: all
	Skip      []func(*http.Request) bool                      // the rule does not apply where one is true
	Cost      func(*http.Request) int64                       // nil: 1; a cost of 0 is not asked for
	LimiterOf func(*http.Request) (algorithms.Limiter, error) // nil, or a nil limiter: Limiter
	OnFailure Policy
	Timeout   time.Duration // of each question; 0: none but the request's own

	wrong        []error
	hung         atomic.Int64 // questions to the limiter that were given up, and still run
	fallBackHung atomic.Int64 // the same of the fallback
}

// NewRule returns a rule with the default Timeout. It needs a Key yet.
func NewRule(limiter algorithms.Limiter) *Rule {
	return &Rule{Limiter: limiter, Timeout: DefaultTimeout}
}

// Complain records that the rule cannot work, for Gate.Check.
func (r *Rule) Complain(format string, args ...any) {
	r.wrong = append(r.wrong, Invalid(format, args...))
}

func (r *Rule) check() []error {
	if r.Limiter == nil {
		r.Complain("limiter %q is nil", r.Name)
	}
	if r.Key == nil {
		r.Complain("limiter %q has a nil key function", r.Name)
	}
	if r.Timeout < 0 {
		r.Complain("limiter %q has a timeout of %v, want 0 or more", r.Name, r.Timeout)
	}
	if r.OnFailure.action == fallBack && r.OnFailure.limiter == nil {
		r.Complain("limiter %q falls back to a nil limiter", r.Name)
	}
	return r.wrong
}

// applies returns the key and the cost of a request to which the rule applies.
func (r *Rule) applies(request *http.Request) (key string, cost int64, ok bool) {
	if r.Methods != nil && !slices.Contains(r.Methods, request.Method) {
		return "", 0, false
	}
	for _, skip := range r.Skip {
		if skip(request) {
			return "", 0, false
		}
	}
	cost = 1
	if r.Cost != nil {
		if cost = r.Cost(request); cost == 0 {
			return "", 0, false
		}
	}
	key = r.Key(request)
	return key, cost, key != ""
}

// limiterOf returns the limiter that counts the request.
func (r *Rule) limiterOf(request *http.Request) (algorithms.Limiter, error) {
	if r.LimiterOf == nil {
		return r.Limiter, nil
	}
	limiter, err := r.LimiterOf(request)
	if limiter == nil {
		limiter = r.Limiter
	}
	return limiter, err
}

// Configure applies options to a rule, and complains of those that are nil.
func Configure[O interface{ Configure(*Rule) }](rule *Rule, opts []O) {
	for _, opt := range opts {
		if any(opt) == nil {
			rule.Complain("an option is nil")
			continue
		}
		opt.Configure(rule)
	}
}

package httplimit

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
)

// defaultTimeout is the timeout of a new rule.
const defaultTimeout = 250 * time.Millisecond

// A rule is a limiter, whom it counts, and what is done when it fails.
type rule struct {
	name      string
	index     int                                             // its place in the Decider
	limiter   algorithms.Limiter                              // unless limiterOf names another
	key       KeyFunc                                         // "": the rule does not apply
	methods   []string                                        // nil: all
	skip      []func(*http.Request) bool                      // the rule does not apply where one is true
	cost      func(*http.Request) int64                       // nil: 1; a cost of 0 is not asked for
	limiterOf func(*http.Request) (algorithms.Limiter, error) // nil, or a nil limiter: limiter
	onFailure Policy
	timeout   time.Duration // of each question; 0: none but the request's own

	wrong        []error
	hung         atomic.Int64 // questions to the limiter that were given up, and still run
	fallBackHung atomic.Int64 // the same of the fallback
}

// complain records that the rule cannot work.
func (r *rule) complain(format string, args ...any) {
	r.wrong = append(r.wrong, invalid(format, args...))
}

// check returns what is wrong with the rule.
func (r *rule) check() []error {
	if option.IsNil(r.limiter) {
		r.wrong = append(r.wrong, fmt.Errorf("%w: limiter %q is nil, want one to ask", algorithms.ErrNilLimiter, r.name))
	}
	if r.key == nil {
		r.complain("limiter %q has a nil key function", r.name)
	} else if err := r.key.err(); err != nil {
		r.wrong = append(r.wrong, fmt.Errorf("limiter %q: %w", r.name, err))
	}
	if r.timeout < 0 {
		r.complain("limiter %q has a timeout of %v, want 0 or more", r.name, r.timeout)
	}
	if r.onFailure.action == fallBack && option.IsNil(r.onFailure.limiter) {
		r.wrong = append(r.wrong, fmt.Errorf("%w: limiter %q falls back to a nil limiter", algorithms.ErrNilLimiter, r.name))
	}
	return r.wrong
}

// applies returns the key and the cost of a request to which the rule applies.
func (r *rule) applies(request *http.Request) (key string, cost int64, ok bool) {
	if r.methods != nil && !slices.Contains(r.methods, request.Method) {
		return "", 0, false
	}
	for _, skip := range r.skip {
		if skip(request) {
			return "", 0, false
		}
	}
	cost = 1
	if r.cost != nil {
		if cost = r.cost(request); cost == 0 {
			return "", 0, false
		}
	}
	key = r.key(request)
	return key, cost, key != ""
}

// limiterFor returns the limiter that counts the request.
func (r *rule) limiterFor(request *http.Request) (algorithms.Limiter, error) {
	if r.limiterOf == nil {
		return r.limiter, nil
	}
	limiter, err := r.limiterOf(request)
	if limiter == nil {
		limiter = r.limiter
	}
	return limiter, err
}

package httplimit

import (
	"fmt"
	"math"
	"net/http"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
)

// The values that the function of a [LimitFunc] returns for requests without a limit, and for requests that are never admitted.
// They are not valid limits anywhere else: no limiter can be made with them.
var (
	// Unlimited lets a request pass without a call of the limiter.
	Unlimited = algorithms.Limit{Rate: math.MinInt64, Period: math.MinInt64, Burst: math.MinInt64}

	// DenyAll denies a request forever: the answer is 429 Too Many Requests without Retry-After.
	DenyAll = algorithms.Limit{Rate: math.MinInt64, Period: math.MinInt64}
)

// The targets that stand for Unlimited and DenyAll.
var unlimited, denyAll = new(target), new(target)

// LimitFunc chooses a limit for each request, such as that of its user's plan. The function limit returns the limit. It may also
// return the zero Limit for the limiter's own, [Unlimited] for none, and [DenyAll] for one that admits nothing. The function with
// returns the limiter that has the limit, as the method With of Weir's limiters does:
//
//	httplimit.LimitFunc(limiter.With, planOf)
//
// It is for a few fixed limits. A key has a separate state under each limit, except that under fixedwindow and slidinglog limits
// of one Period share a count. The documentation of package algorithms says what that means for a user whose limit changes.
//
// The limiters that with returns are kept, up to 1,024. If there are more limits, with is called again for some. For [ErrAway]
// all these limiters count as one server.
//
// If with returns a nil limiter or an error, the request is refused with 503, whatever the policy, and the function of [OnError]
// is called. with returns an error for a limit that isn't valid, for example.
func LimitFunc[L algorithms.Limiter](with func(algorithms.Limit) (L, error), limit func(*http.Request) algorithms.Limit) RuleOption {
	return ruleOption(func(r *rule) {
		if with == nil || limit == nil {
			r.complain("a function of LimitFunc is nil")
		}
		var none L
		if _, ok := any(none).(localer); !ok && any(none) != nil {
			r.noLocal = fmt.Errorf("%w: %T of LimitFunc has no method Local", algorithms.ErrNoLocal, none)
		}
		if _, ok := any(none).(algorithms.Reserver); !ok && any(none) != nil {
			r.noReserve = fmt.Errorf("%w: %T of LimitFunc has no method Reserve", algorithms.ErrNoReserve, none)
		}
		var kept targets[algorithms.Limit]
		r.choose = func(request *http.Request) (*target, error) {
			switch l := limit(request); l {
			case algorithms.Limit{}:
				return &r.own, nil
			case Unlimited:
				return unlimited, nil
			case DenyAll:
				return denyAll, nil
			default:
				return kept.of(l, func() (*target, error) {
					limiter, err := with(l)
					if err == nil && option.IsNil(limiter) {
						err = fmt.Errorf("%w: LimitFunc's with returned nil for %+v", algorithms.ErrNilLimiter, l)
					}
					if err != nil {
						return nil, err
					}
					return r.newTarget(limiter, r.server), nil
				})
			}
		}
	})
}

// chooseLimiter returns the function by which LimiterFunc chooses.
func (r *rule) chooseLimiter(f func(*http.Request) algorithms.Limiter) func(*http.Request) (*target, error) {
	var kept targets[algorithms.Limiter]
	return func(request *http.Request) (*target, error) {
		limiter := f(request)
		switch {
		case limiter == nil:
			return &r.own, nil
		case option.IsNil(limiter):
			return nil, fmt.Errorf("%w: LimiterFunc's function returned a nil %T, want a limiter, or nil for the rule's own", algorithms.ErrNilLimiter, limiter)
		case !isComparable(limiter): // it can't be kept, so it uses the rule's server, as all such limiters do
			return r.newTarget(limiter, r.server), nil
		}
		return kept.of(limiter, func() (*target, error) { return r.newTarget(limiter, r.newServer()), nil })
	}
}

package httplimit

import (
	"net/http"
	"sync"

	"github.com/go-weir/weir/algorithms"
)

// maxLimiters is how many limiters a LimitFunc keeps.
const maxLimiters = 1024

// LimitFunc chooses a limit for each request, such as that of its user's plan. The function limit returns it;
// the zero Limit stands for the limiter's own. The function with returns the limiter that has it, as the
// method With of Weir's limiters does:
//
//	httplimit.LimitFunc(limiter.With, planOf)
//
// It is for a few fixed limits. A key has a state of its own under each limit, except that limits of one
// Period share a count under fixedwindow and slidinglog: the documentation of package algorithms says what
// that means for a user whose limit changes.
//
// Limiters are kept once they are made, up to 1,024. If there are more limits, some limiters are made again.
// An error of with is a failure, for [OnFailure] and [OnError].
func LimitFunc[L algorithms.Limiter](with func(algorithms.Limit) (L, error), limit func(*http.Request) algorithms.Limit) RuleOption {
	return ruleOption(func(r *rule) {
		if with == nil || limit == nil {
			r.complain("a function of LimitFunc is nil")
		}
		made := limiters[L]{with: with, made: map[algorithms.Limit]algorithms.Limiter{}}
		r.limiterOf = func(r *http.Request) (algorithms.Limiter, error) {
			if l := limit(r); l != (algorithms.Limit{}) {
				return made.of(l)
			}
			return nil, nil
		}
	})
}

// limiters keeps those it has made.
type limiters[L algorithms.Limiter] struct {
	with func(algorithms.Limit) (L, error)
	mu   sync.RWMutex
	made map[algorithms.Limit]algorithms.Limiter
}

func (l *limiters[L]) of(limit algorithms.Limit) (algorithms.Limiter, error) {
	l.mu.RLock()
	limiter, ok := l.made[limit]
	l.mu.RUnlock()
	if ok {
		return limiter, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if limiter, ok := l.made[limit]; ok {
		return limiter, nil // another request made it meanwhile
	}
	limiter, err := l.with(limit)
	if err != nil {
		return nil, err
	}
	if len(l.made) >= maxLimiters {
		for other := range l.made {
			delete(l.made, other)
			break
		}
	}
	l.made[limit] = limiter
	return limiter, nil
}

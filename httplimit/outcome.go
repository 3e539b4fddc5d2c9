package httplimit

import (
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// outcome returns the outcome for the request.
func (q *inquiry) outcome() Outcome {
	outcome := Pass
	for i := range q.parts {
		if one := q.parts[i].state.outcome(); one == Denied || outcome == Pass {
			outcome = one
		}
	}
	if q.gone {
		return Gone
	}
	return outcome
}

// outcome returns the outcome for the request if there were only this limiter.
func (s state) outcome() Outcome {
	switch s {
	case denied, never:
		return Denied
	case refused, wrong:
		return Unavailable
	}
	return Pass
}

// retryAfter returns the longest wait of the limiters that deny, or 0 if no wait is known to help.
func (q *inquiry) retryAfter() (wait time.Duration) {
	for i := range q.parts {
		switch p := &q.parts[i]; p.state {
		case denied:
			wait = max(wait, p.result.RetryAfter)
		case never, wrong:
			return 0
		}
	}
	return wait
}

// unavailableWait returns the wait of a request to which a limiter gave no answer, or 0 if no wait helps.
func (q *inquiry) unavailableWait() time.Duration {
	for i := range q.parts {
		if q.parts[i].state == wrong {
			return 0
		}
	}
	return time.Second
}

// denials returns the answers of the limiters that deny.
func (q *inquiry) denials() []Denial {
	n := 0
	for i := range q.parts {
		if q.parts[i].denies() {
			n++
		}
	}
	all := make([]Denial, 0, n)
	for i := range q.parts {
		if p := &q.parts[i]; p.denies() {
			all = append(all, Denial{p.rule.name, p.limit(), p.result})
		}
	}
	return all
}

// verdict returns why the request is denied.
func (q *inquiry) verdict() Verdict {
	v := Verdict{Status: http.StatusTooManyRequests, RetryAfter: q.retryAfter()}
	for i := range q.parts {
		if p := &q.parts[i]; p.denies() {
			v.Denied = append(v.Denied, p.rule.name)
		}
	}
	if p := tightest(q.parts); p != nil && p.state == denied {
		v.Result = p.result
	}
	return v
}

// limit returns the limiter's limit, or the zero Limit if it isn't known.
func (p *part) limit() algorithms.Limit {
	if p.target == nil {
		return algorithms.Limit{}
	}
	return limitOf(p.target.limiter)
}

func limitOf(limiter algorithms.Limiter) algorithms.Limit {
	if limiter, ok := limiter.(interface{ Limit() algorithms.Limit }); ok {
		return limiter.Limit()
	}
	return algorithms.Limit{}
}

package httplimit

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/internal/option"
)

// NewInflight returns a middleware that serves at most so many requests of a key at once, as limiter says. A request holds a
// lease while the next handler runs. If none is free, it is answered with 429 Too Many Requests.
//
//	limiter, err := inflight.New(runner, 4, 30*time.Second)
//	...
//	limit, err := httplimit.NewInflight(limiter)
//
// The lease is renewed while the handler runs, and given back when it returns or panics, before the end of the response is
// sent. If the server gives no answer to that, the end of the response waits for it for half a second at most. A connection that the handler has hijacked counts until the handler returns: let it return when the connection is
// closed, as handlers of WebSockets do.
//
// The options and defaults are those of [New], with these differences:
//
//   - No header fields tell how many leases are free, unless [Headers] is given. Retry-After is 1 second, as a lease may be
//     given back at any moment.
//   - [Cost], [LimitFunc], [LimiterFunc], [FallBack] and [Settle] don't apply. They are errors.
//   - If the server fails, a limiter in this process decides ([Local]): a key has at most its leases from the server, and as
//     many from each process. Requests that hold a lease from the server go on. With [Refuse] the context of such a
//     request ends when its lease may have ended, with a cause that wraps inflight.ErrNotHeld.
//
// [Also] adds limiters of rates. A request that one of them denies gives its lease back.
//
// The error wraps algorithms.ErrNilLimiter or algorithms.ErrInvalidOption.
func NewInflight(limiter inflight.Limiter, opts ...Option) (func(http.Handler) http.Handler, error) {
	m, err := configureInflight(limiter, append([]Option{Headers(NoHeaders)}, opts...), true)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := &holder{}
			defer h.release() // also if the handler panics
			asking := r.WithContext(context.WithValue(r.Context(), holderKey{}, h))
			if charges, ok := m.admit(w, asking); ok {
				m.serve(next, w, m.held(h, r), charges)
			}
		})
	}, nil
}

// An InflightDecider is to [NewInflight] as a [Decider] is to [New]: it decides, and leaves the answer to its caller. It is
// safe for concurrent use.
type InflightDecider struct{ m *middleware }

// NewInflightDecider returns an InflightDecider. Options, defaults and errors are those of [NewInflight].
func NewInflightDecider(limiter inflight.Limiter, opts ...DeciderOption) (*InflightDecider, error) {
	m, err := configureInflight(limiter, opts, false)
	if err != nil {
		return nil, err
	}
	return &InflightDecider{m}, nil
}

// Decide asks for a lease for a request, as [Decider]'s Decide asks whether it is admitted. If the Outcome is [Pass], the
// caller serves the request under the context that Decide returns. In any case it calls release, once, when it has
// answered.
func (d *InflightDecider) Decide(r *http.Request) (decision Decision, ctx context.Context, release func()) {
	h := &holder{}
	decided := false
	defer func() {
		if !decided { // a limiter or a hook has panicked
			h.release()
		}
	}()
	decision = d.m.Decide(r.WithContext(context.WithValue(r.Context(), holderKey{}, h)))
	decided = true
	if decision.Outcome != Pass {
		h.release()
		if decision.Outcome == Denied && decision.RetryAfter > 0 {
			decision.RetryAfter = max(decision.RetryAfter, time.Second)
		}
		for i := range decision.Denials {
			decision.Denials[i].Result = tellable(decision.Denials[i].Result)
		}
		return decision, r.Context(), func() {}
	}
	return decision, d.m.held(h, r).Context(), h.release
}

// configureInflight is configure for leases.
func configureInflight[O Option](limiter inflight.Limiter, opts []O, answers bool) (*middleware, error) {
	var asked algorithms.Limiter // nil for a limiter that is nil
	if !option.IsNil(limiter) {
		asked = leases{limiter}
	}
	m, err := configure(asked, opts, answers)
	if err != nil {
		return nil, err
	}
	own := m.rules[0]
	for option, given := range map[string]bool{
		"Cost": own.cost != nil, "LimitFunc and LimiterFunc": own.choose != nil, "FallBack": own.onFailure.action == fallBack,
	} {
		if given {
			return nil, invalid("%s can't be used with leases, want it in Also", option)
		}
	}
	if _, inProcess := limiter.(*inflight.Local); inProcess {
		own.own.server = nil
	}
	body, onDenied := m.body, m.onDenied
	m.body = func(w http.ResponseWriter, r *http.Request, v Verdict) { body(w, r, v.tellable()) }
	if onDenied != nil {
		m.onDenied = func(r *http.Request, v Verdict) { onDenied(r, v.tellable()) }
	}
	return m, nil
}

// held returns the request as it is served under its leases.
func (m *middleware) held(h *holder, r *http.Request) *http.Request {
	if m.rules[0].onFailure.action != refuse {
		return r
	}
	return r.WithContext(h.context(r.Context()))
}

// untilFree is the RetryAfter of a refusal while requests share it. A lease may be given back right after, so a refusal is
// true only of requests that waited already when it was decided.
const untilFree = time.Microsecond

// tellable returns a result with the wait that is told.
func tellable(r algorithms.Result) algorithms.Result {
	if !r.Allowed && r.RetryAfter > 0 {
		r.RetryAfter = max(r.RetryAfter, time.Second)
	}
	return r
}

func (v Verdict) tellable() Verdict {
	if v.RetryAfter > 0 {
		v.RetryAfter = max(v.RetryAfter, time.Second)
	}
	v.Result = tellable(v.Result)
	return v
}

// leases asks for leases in the way in which a Decider asks limiters: a request that is admitted holds one, which is put into
// the [holder] of its context.
type leases struct{ limiter inflight.Limiter }

// Allow implements algorithms.Limiter.
func (l leases) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.AllowN(ctx, key, 1)
}

// AllowN implements algorithms.Limiter for an n of 1, the only one there is without [Cost].
func (l leases) AllowN(ctx context.Context, key string, _ int64) (algorithms.Result, error) {
	lease, err := inflight.Hold(ctx, l.limiter, key)
	if err != nil {
		return refusal(err)
	}
	if err := holderOf(ctx).add(ctx, lease); err != nil {
		return algorithms.Result{}, err
	}
	return lease.Result(), nil
}

// Peek implements algorithms.Limiter.
func (l leases) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.limiter.Peek(ctx, key)
}

// PeekN implements algorithms.Limiter.
func (l leases) PeekN(ctx context.Context, key string, _ int64) (algorithms.Result, error) {
	return l.limiter.Peek(ctx, key)
}

// Reset implements algorithms.Limiter.
func (l leases) Reset(ctx context.Context, key string) error { return l.limiter.Reset(ctx, key) }

// Local returns what asks the limiter in this process.
func (l leases) Local() (algorithms.Limiter, error) {
	has, ok := l.limiter.(interface {
		Local() (inflight.Limiter, error)
	})
	if !ok {
		return nil, fmt.Errorf("%w: %T has no method Local", algorithms.ErrNoLocal, l.limiter)
	}
	local, err := has.Local()
	if err == nil && option.IsNil(local) {
		err = fmt.Errorf("%w: the method Local of a %T returned nil", algorithms.ErrNoLocal, l.limiter)
	}
	return leases{local}, err
}

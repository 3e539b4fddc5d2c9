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

// NewInflight returns a middleware that limits how many requests of a key are served at the same time. A request holds a lease of
// limiter while the next handler runs. If no lease is free, the answer is 429 Too Many Requests.
//
//	limiter, err := inflight.New(runner, 4, 30*time.Second)
//	...
//	limit, err := httplimit.NewInflight(limiter)
//
// The lease is renewed while the handler runs. It is given back when the handler returns or panics, before the end of the
// response is sent. If the server doesn't answer that, the end of the response waits for it, for at most half a second. If the
// handler has hijacked the connection, the request counts until the handler returns: let it return when the connection is
// closed, as handlers of WebSockets do.
//
// The options and defaults are those of [New], with these differences:
//
//   - No header fields tell how many leases are free, unless [Headers] is given. Retry-After is 1 second, as a lease may be
//     given back at any moment.
//   - [Cost], [LimitFunc], [LimiterFunc], [FallBack] and [Settle] don't apply. NewInflight returns an error for them.
//   - If the server fails, a limiter in this process decides ([Local]): a key has at most its leases from the server, and as
//     many from each process. Requests that hold a lease from the server go on. With [Refuse] the context of such a
//     request ends when its lease may have ended, with a cause that wraps inflight.ErrNotHeld.
//
// [Also] adds limiters of rates. If one of them denies a request, the request gives its lease back.
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

// An InflightDecider decides like the middleware of [NewInflight], and leaves the answer to its caller, as a [Decider] does. It
// is safe for concurrent use.
type InflightDecider struct{ m *middleware }

// NewInflightDecider returns an InflightDecider. Options, defaults and errors are those of [NewInflight].
func NewInflightDecider(limiter inflight.Limiter, opts ...DeciderOption) (*InflightDecider, error) {
	m, err := configureInflight(limiter, opts, false)
	if err != nil {
		return nil, err
	}
	return &InflightDecider{m}, nil
}

// Decide asks for a lease for a request. The decision is like that of [Decider.Decide]. If the Outcome is [Pass], the caller
// serves the request under the context that Decide returns. In any case the caller must call release, once, when it has answered.
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

// configureInflight is configure for a limiter of package inflight.
func configureInflight[O Option](limiter inflight.Limiter, opts []O, answers bool) (*middleware, error) {
	var asked algorithms.Limiter // stays nil if limiter is nil
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

// held returns the request with the context under which it is served.
func (m *middleware) held(h *holder, r *http.Request) *http.Request {
	if m.rules[0].onFailure.action != refuse {
		return r
	}
	return r.WithContext(h.context(r.Context()))
}

// untilFree is the RetryAfter of a refusal while requests share it. A lease may be given back at any moment, so a refusal holds
// only for requests that already waited when it was made.
const untilFree = time.Microsecond

// tellable returns a result with the wait that clients are told.
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

// leases makes a limiter of package inflight look like one that a Decider can ask. If it admits a request, it puts a lease into
// the [holder] of the request's context.
type leases struct{ limiter inflight.Limiter }

// Allow implements algorithms.Limiter.
func (l leases) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.AllowN(ctx, key, 1)
}

// AllowN implements algorithms.Limiter. n is always 1, as [Cost] isn't allowed.
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

// Local returns leases of the limiter's Local.
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

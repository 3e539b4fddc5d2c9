package httplimit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/ask"
)

// ErrNotSettled is wrapped by the error of a charge that may not have been settled after the request was served. The function of
// [OnError] is called with it. The request stays charged with its [Cost], unless the settlement reached the limiter and only
// the answer was lost.
var ErrNotSettled = errors.New("weir: a charge was not settled")

// A Response describes the next handler's answer to a request, for the function of [Settle].
type Response struct {
	Status   int   // set by the handler, or 200; 0 if the handler took over the connection or panicked before it set one
	Written  int64 // the bytes of the body that the handler has written
	Hijacked bool  // the handler has or may have taken over the connection, so the body is not known
	Panicked bool  // the handler has panicked, for example with http.ErrAbortHandler, or ended its goroutine
}

// Settle sets a function that returns the true cost of a request after the next handler has answered it. It is for costs that are
// known only then: logins that count only if they fail, or bytes sent.
//
// Before the handler is called, the request is charged with its [Cost], by the limiter's method Reserve. Afterwards that charge
// is replaced by the cost that the function returns. A smaller cost gives the rest back, and 0 gives back all of it. For a
// larger cost the difference is charged even if it doesn't fit. Other requests find the Cost charged in the meantime. So if
// Cost is the most that a request can use, too much is never admitted. If Cost is what a request mostly uses, more is admitted
// at once.
//
// The charge is never below what was used. If the handler panics or takes over the connection, its whole answer isn't known: the
// result of the function then counts only if it is above the Cost. If the result is below 0, or the function panics, the Cost
// stays charged. Bytes that the handler writes through http.ResponseController, or through the ResponseWriter that Unwrap
// returns, aren't counted. If the handler writes nothing else, it counts as having taken over the connection.
//
// The charge is settled after the handler has returned and before the end of the answer is sent, so that the client's next
// request finds it settled. That takes one more call of the limiter, for at most the [Timeout], even if the client has left. If
// the call fails, the function of OnError is called with an error that wraps [ErrNotSettled]. If the policy Local or FallBack has
// charged a request, the settlement goes to that policy's limiter. If another limiter denies a request that this limiter has
// admitted, the charge is given back at once. With [ChargeEach] it stays.
//
// The limiter must be an algorithms.Reserver, as all of Weir's are. So must the limiter of the policy Local or FallBack, and
// those that LimitFunc and LimiterFunc choose. If New can tell that one isn't, its error wraps algorithms.ErrNoReserve. Otherwise
// a request whose limiter can't reserve is refused with 503, whatever the policy. A [Decider] has no response, so NewDecider
// returns an error for this option.
func Settle(used func(*http.Request, Response) int64) RuleOption {
	return ruleOption(func(r *rule) {
		if used == nil {
			r.complain("the function of Settle is nil")
		}
		r.settle = used
	})
}

// checkSettle records an error for limiters that are known to be unable to reserve.
func (r *rule) checkSettle() {
	if r.settle == nil {
		return
	}
	lacks := func(whose string, t *target) {
		if t == nil {
			return
		}
		if _, ok := t.limiter.(algorithms.Reserver); !ok {
			r.noReserve = errors.Join(r.noReserve, fmt.Errorf("%w: %s, a %T, has no method Reserve", algorithms.ErrNoReserve, whose, t.limiter))
		}
	}
	lacks("it", &r.own)
	lacks("its Local", r.own.local)
	lacks("that of FallBack", r.another)
	if r.noReserve != nil {
		r.wrong = append(r.wrong, fmt.Errorf("%w: limiter %q can't be settled, want an algorithms.Reserver: %w", algorithms.ErrInvalidOption, r.name, r.noReserve))
	}
}

// complainOfSettle records an error for each rule with Settle in a Decider.
func (m *middleware) complainOfSettle() {
	for i, rule := range m.rules {
		if rule.settle != nil {
			rule.complain("limiter %d has the option Settle, which needs the response, want New", i+1)
		}
	}
}

// reserving is a limiter whose AllowN reserves. It is made for one question.
type reserving struct {
	algorithms.Limiter
	made *algorithms.Reservation
}

// AllowN reserves.
func (l *reserving) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	reserver, ok := l.Limiter.(algorithms.Reserver)
	if !ok {
		return algorithms.Result{}, fmt.Errorf("%w: a %T has no method Reserve, which Settle needs", algorithms.ErrNoReserve, l.Limiter)
	}
	made, err := reserver.Reserve(ctx, key, n)
	if err != nil {
		return algorithms.Result{}, err
	}
	if made == nil {
		return algorithms.Result{}, fmt.Errorf("%w: Reserve of a %T returned nil", algorithms.ErrNoReserve, l.Limiter)
	}
	l.made = made
	return made.Result(), nil
}

// settling is a limiter whose AllowN settles a charge. It is made for one question.
type settling struct {
	algorithms.Limiter
	charge *algorithms.Reservation
	used   int64
}

// AllowN settles. It always admits, as requests share denials.
func (l *settling) AllowN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	return algorithms.Result{Allowed: true}, l.charge.Commit(ctx, l.used)
}

// A charge must be settled when the request has been answered.
type charge struct {
	rule   *rule
	target *target
	key    string
	cost   int64
	made   *algorithms.Reservation
}

// charges returns the charges that must be settled.
func (q *inquiry) charges() (all []charge) {
	for _, parts := range [2][]part{q.parts, q.shadows} {
		for i := range parts {
			if p := &parts[i]; p.charge != nil && p.state == admitted {
				all = append(all, charge{p.rule, p.target, p.key, p.cost, p.charge})
			}
		}
	}
	return all
}

// giveBack cancels charges of a request that was not admitted.
func (m *middleware) giveBack(r *http.Request, charges []charge) {
	for _, c := range charges {
		m.settle(r, c, 0)
	}
}

// settleAll settles the charges of a request that was answered.
func (m *middleware) settleAll(r *http.Request, charges []charge, response Response) {
	for _, c := range charges {
		used := c.rule.settle(r, response)
		if used < 0 {
			m.tell(r, &c.rule.mistakes, Failure{c.rule.name, fmt.Errorf("%w: %w: the function of Settle returned %d, want 0 or more",
				ErrNotSettled, algorithms.ErrInvalidCost, used), LetPass})
			continue
		}
		if response.Hijacked || response.Panicked {
			used = max(used, c.cost)
		}
		m.settle(r, c, used)
	}
}

// settle settles one charge, even if the request's context has ended.
func (m *middleware) settle(r *http.Request, c charge, used int64) {
	if used == c.cost {
		return
	}
	_, _, err := c.target.ask(context.WithoutCancel(r.Context()), ask.Question{
		Limiter: &settling{c.target.limiter, c.made, used},
		Key:     c.key, Cost: math.MaxInt64, // above every Limit, so that no shared denial answers it
		Timeout: c.rule.timeout, Detached: true, Tag: r,
	}, c.rule.salt)
	if err == nil {
		c.rule.unsettled.Answered(func() []any { return []any{"limiter", c.rule.name} })
	} else {
		m.tell(r, &c.rule.unsettled, Failure{c.rule.name, fmt.Errorf("%w: %d of %d used: %w", ErrNotSettled, used, c.cost, err), LetPass})
	}
}

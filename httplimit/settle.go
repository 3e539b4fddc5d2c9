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

// ErrNotSettled is wrapped by errors that say that the charge of a request that was served is not known to be settled. The
// function of [OnError] is told. Such a request stays charged with its [Cost], unless the settlement reached the limiter and
// only its answer was lost.
var ErrNotSettled = errors.New("weir: a charge was not settled")

// A Response is what the next handler has answered to a request, for the function of [Settle].
type Response struct {
	Status   int   // as the handler has set it, or 200 without; 0 if it has taken over the connection or panicked before
	Written  int64 // the bytes of the body that the handler has written
	Hijacked bool  // the handler has taken over the connection, or may have: the body is not known
	Panicked bool  // the handler has panicked, such as with http.ErrAbortHandler, or ended its goroutine
}

// Settle sets a function that returns what a request has cost when the next handler has answered it. It is for costs that are
// known only then: logins that count only if they fail, or bytes sent.
//
// The request is admitted and charged with its [Cost] before, by the limiter's method Reserve. Afterwards the limiter makes
// what the function returns the cost: less gives the rest back, 0 all of it, and more charges the rest too, even if it doesn't
// fit. Requests that come meanwhile find the Cost charged. So a Cost of what a request can use at most never admits too
// much, and one of what it uses mostly admits more at once.
//
// Never less is charged than was used. If the handler panics or takes over the connection, its answer isn't known whole: the
// function is asked, and what it returns counts only if it is above the Cost. A result below 0, or a panic of the function,
// leaves the Cost charged. What the handler writes past http.ResponseController, or through the ResponseWriter that Unwrap
// returns, isn't counted; if the handler writes nothing else, it counts as having taken over the connection.
//
// The charge is settled when the handler has returned, and before the end of the answer is sent, so that the client's next
// request finds it settled. That takes one more question of the limiter, at most for the [Timeout], also if the client has
// left. If it fails, OnError is told of an error that wraps [ErrNotSettled]. What the policy Local or FallBack has charged is
// settled where it was charged. A request that this limiter admits and another denies is given back at once, except with
// [ChargeEach], where it stays charged.
//
// The limiter must be an algorithms.Reserver, as all of Weir's are, and so must that of the policy Local or FallBack, and
// those that LimitFunc and LimiterFunc choose. New returns an error that wraps algorithms.ErrNoReserve for those that it can
// know. A request whose limiter can't reserve is refused with 503, whatever the policy. A [Decider] has no response: NewDecider
// returns an error.
func Settle(used func(*http.Request, Response) int64) RuleOption {
	return ruleOption(func(r *rule) {
		if used == nil {
			r.complain("the function of Settle is nil")
		}
		r.settle = used
	})
}

// checkSettle complains of limiters that are known not to reserve.
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

// complainOfSettle is called for a Decider.
func (m *middleware) complainOfSettle() {
	for i, rule := range m.rules {
		if rule.settle != nil {
			rule.complain("limiter %d has the option Settle, which needs the response, want New", i+1)
		}
	}
}

// reserving is the limiter that is asked instead of one whose charges are settled.
type reserving struct {
	algorithms.Limiter
	made *algorithms.Reservation // of a question that was answered
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

// settling is the limiter that is asked to settle a charge.
type settling struct {
	algorithms.Limiter
	charge *algorithms.Reservation
	used   int64
}

// AllowN settles. What it returns is no denial that another request could share.
func (l *settling) AllowN(ctx context.Context, _ string, _ int64) (algorithms.Result, error) {
	return algorithms.Result{Allowed: true}, l.charge.Commit(ctx, l.used)
}

// A charge is one that is to be settled when the request has been answered.
type charge struct {
	rule   *rule
	target *target
	key    string
	cost   int64
	made   *algorithms.Reservation
}

// charges returns the charges that are to be settled.
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

// settle settles one charge. The end of the request's context is no reason not to.
func (m *middleware) settle(r *http.Request, c charge, used int64) {
	if used == c.cost {
		return
	}
	_, _, err := c.target.ask(context.WithoutCancel(r.Context()), ask.Question{
		Limiter: &settling{c.target.limiter, c.made, used},
		Key:     c.key, Cost: math.MaxInt64, // no denial is told of as much: none is taken for the answer
		Timeout: c.rule.timeout, Detached: true, Tag: r,
	}, c.rule.salt)
	if err == nil {
		c.rule.unsettled.Answered(func() []any { return []any{"limiter", c.rule.name} })
	} else {
		m.tell(r, &c.rule.unsettled, Failure{c.rule.name, fmt.Errorf("%w: %d of %d used: %w", ErrNotSettled, used, c.cost, err), LetPass})
	}
}

package httplimit

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/outage"
)

// defaultTimeout is the timeout of a new rule.
const defaultTimeout = 250 * time.Millisecond

// A rule is a limiter with the options that concern it.
type rule struct {
	decider   *Decider
	name      string
	index     int                                  // its place in the Decider
	limiter   algorithms.Limiter                   // used unless choose returns another
	key       KeyFunc                              // "": the rule does not apply
	keyed     bool                                 // the option Key was given
	methods   []string                             // nil: all
	skip      []func(*http.Request) bool           // the rule does not apply if one returns true
	cost      func(*http.Request) int64            // nil: 1; a request of cost 0 passes
	choose    func(*http.Request) (*target, error) // nil: own
	noLocal   error                                // the limiters of choose have no Local
	noReserve error                                // the limiters of choose can't reserve
	shadow    bool                                 // the rule only reports
	settle    func(*http.Request, Response) int64  // nil: the charge stays as it is
	onFailure Policy
	timeout   time.Duration // of each question; 0: only the request's deadline counts

	server  *server // of limiter, and of those that LimitFunc chooses
	own     target  // of limiter
	another *target // of the limiter of FallBack
	salt    uint64  // gives equal keys of different rules different slots

	outage, mistakes, panics, unsettled outage.Log

	wrong []error
}

// complain records that the rule cannot work.
func (r *rule) complain(format string, args ...any) {
	r.wrong = append(r.wrong, invalid(format, args...))
}

// check returns everything that is wrong with the rule.
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
	if len(r.wrong) == 0 {
		r.prepare()
	}
	return r.wrong
}

// prepare makes the rule's targets and logs.
func (r *rule) prepare() {
	d := r.decider
	r.salt = rand.Uint64() //nolint:gosec // nothing secret depends on it
	r.outage = outage.Log{Message: "rate limiter fails", Logger: d.logger, Now: d.now}
	r.panics = outage.Log{Message: "rate limiter panicked", Logger: d.logger, Now: d.now}
	r.mistakes = outage.Log{Message: "rate limiter can't be asked", Logger: d.logger, Now: d.now}
	r.unsettled = outage.Log{Message: "rate limiter doesn't settle", Logger: d.logger, Now: d.now}
	r.server = r.newServer()
	r.own = *r.newTarget(r.limiter, r.server)
	if r.onFailure.action == fallBack {
		r.another = r.newTarget(r.onFailure.limiter, r.newServer())
	}
	r.checkSettle()
	for _, err := range []error{r.own.noLocal, r.noLocal} {
		if r.onFailure.action == local && err != nil {
			r.wrong = append(r.wrong, fmt.Errorf("%w: limiter %q can't decide in this process when it fails, want OnFailure with LetPass, Refuse or FallBack: %w",
				algorithms.ErrInvalidOption, r.name, err))
		}
	}
}

// applies returns the key and the cost of a request. ok is false if the rule doesn't apply to it.
func (r *rule) applies(request *http.Request) (key string, cost int64, ok bool) {
	if !r.hasMethod(request.Method) {
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

// targetFor returns the target for the request.
func (r *rule) targetFor(request *http.Request) (*target, error) {
	if r.choose == nil {
		return &r.own, nil
	}
	return r.choose(request)
}

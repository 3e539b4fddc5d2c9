package httplimit

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Decider asks limiters about requests, and leaves it to its caller to answer them. It is what New is made
// of, for servers and consumers other than net/http's, and safe for concurrent use.
type Decider struct {
	rules      []*rule
	chargeEach bool
	onError    func(*http.Request, Failure) // nil: no hook
	onDenied   func(*http.Request, Verdict) // nil: no hook
}

// NewDecider returns a Decider that asks the limiter, and those of [Also]. Its options and their defaults are
// those of New. Its error wraps algorithms.ErrInvalidOption and says all that is wrong.
func NewDecider(limiter algorithms.Limiter, opts ...DeciderOption) (*Decider, error) {
	m, err := configure(limiter, opts)
	if err != nil {
		return nil, err
	}
	return &m.Decider, nil
}

// An Outcome is what becomes of a request.
type Outcome int

// The outcomes.
const (
	Pass        Outcome = iota // to be served: no limiter denies
	Denied                     // a limiter denies
	Unavailable                // a limiter gave no answer, and its policy is Refuse
	Gone                       // the request's own context has ended: the client no longer waits
)

// String returns "pass", "denied", "unavailable" or "gone".
func (o Outcome) String() string { return [...]string{"pass", "denied", "unavailable", "gone"}[o] }

// A Decision is what a Decider says of one request.
type Decision struct {
	Outcome Outcome

	// RetryAfter is when to come again. For Denied it is the longest wait of those that deny, or 0 where no
	// wait is known that would help. For Unavailable it is a second.
	RetryAfter time.Duration

	// Denials are of the limiters that deny, in the order in which they were given; none but for Denied.
	Denials []Denial
}

// A Denial is what one limiter that denies says.
type Denial struct {
	Limiter string            // its Name
	Limit   algorithms.Limit  // what it admits; zero where it can't tell
	Result  algorithms.Result // its answer; zero where the request costs more than it can ever admit
}

// Decide asks the limiters about a request, and charges them as the package's documentation says. It tells the
// hooks of OnError and OnDenied before it returns.
//
// What came by another protocol is told as a request too, so that one set of key functions and options serves
// all. Only the functions in the options read it, but for its context, which ends the questions, and its
// Method, which is compared where [Methods] is given. Without a [Key] its RemoteAddr is read.
func (d *Decider) Decide(r *http.Request) Decision {
	q := d.ask(r)
	defer q.free()
	decision := Decision{Outcome: q.outcome()}
	switch decision.Outcome {
	case Denied:
		decision.RetryAfter, decision.Denials = q.retryAfter(), q.denials()
		if d.onDenied != nil {
			d.onDenied(r, q.verdict())
		}
	case Unavailable:
		decision.RetryAfter = unavailableWait
	}
	return decision
}

// unavailableWait is when to come again where a limiter gave no answer.
const unavailableWait = time.Second

// add adds a rule for the limiter, with the defaults.
func (d *Decider) add(limiter algorithms.Limiter) *rule {
	r := &rule{limiter: limiter, key: ClientIP(), timeout: defaultTimeout}
	d.rules = append(d.rules, r)
	return r
}

// check returns nil for a Decider that can work, else what is wrong with it. It names the first rule
// "default" if it has no name.
func (d *Decider) check() error {
	if d.rules[0].name == "" {
		d.rules[0].name = "default"
	}
	var wrong []error
	named := map[string]bool{}
	for i, rule := range d.rules {
		rule.index = i
		switch {
		case rule.name == "":
			rule.complain("limiter %d has no name, want one for all but the first", i+1)
		case named[rule.name]:
			rule.complain("two limiters are named %q", rule.name)
		}
		named[rule.name] = true
		wrong = append(wrong, rule.check()...)
	}
	return errors.Join(wrong...)
}

// invalid returns an error that wraps algorithms.ErrInvalidOption.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", algorithms.ErrInvalidOption, fmt.Sprintf(format, args...))
}

package httplimit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// A Decider asks limiters about requests, and leaves the answers to its caller. [New] is built on it. It is for
// servers and consumers other than those of net/http, and is safe for concurrent use.
type Decider struct {
	rules      []*rule
	chargeEach bool
	onError    func(*http.Request, Failure)  // nil: failures are logged
	logger     *slog.Logger                  // nil: the default one
	onDenied   func(*http.Request, Verdict)  // nil: no hook
	onShadow   func(*http.Request, Shadowed) // nil: no hook
	now        func() time.Time
	joined     targets[combination] // of limiters that may decide as one
}

// NewDecider returns a Decider that asks limiter, and those of [Also]. The options, defaults and errors are
// those of [New].
func NewDecider(limiter algorithms.Limiter, opts ...DeciderOption) (*Decider, error) {
	m, err := configure(limiter, opts, false)
	if err != nil {
		return nil, err
	}
	return &m.Decider, nil
}

// An Outcome says what the caller is to do with a request.
type Outcome int

// The outcomes.
const (
	Pass        Outcome = iota // serve it: no limiter denies
	Denied                     // refuse it: a limiter denies
	Unavailable                // refuse it: a limiter gave no answer and its policy refuses, or the policy's own limiter failed too
	Gone                       // drop it: the request's context has ended, so the client no longer waits
)

// String returns "pass", "denied", "unavailable" or "gone".
func (o Outcome) String() string { return [...]string{"pass", "denied", "unavailable", "gone"}[o] }

// A Decision is a Decider's answer to one request.
type Decision struct {
	Outcome Outcome

	// RetryAfter is the wait before another attempt. For Denied it is the longest wait of the limiters that
	// deny, or 0 if no wait is known to help. For Unavailable it is a second, or 0 if the program has made a mistake, such as
	// a cost below 0.
	RetryAfter time.Duration

	// Denials has the answers of the limiters that deny, in the order in which the limiters were given. It is
	// empty unless the Outcome is Denied.
	Denials []Denial
}

// A Denial is the answer of one limiter that denies.
type Denial struct {
	Limiter string            // its Name
	Limit   algorithms.Limit  // its limit; zero if it has no method Limit
	Result  algorithms.Result // its answer; zero if the request costs more than it can ever admit
}

// Decide asks the limiters about a request, and charges them as the package's documentation says. It calls the
// functions of [OnError] and [OnDenied] before it returns.
//
// A call of another protocol is passed as a request too, so that one set of key functions and options serves all. The functions
// of the options read it. Decide itself reads only the request's context, its Method if [Methods] is given, and its
// RemoteAddr if [Key] is not given. The end of the context ends the calls of the limiters.
//
// If the context has ended, or its deadline has passed, the client has gone and Decide asks no limiter. That is wrong for the
// contexts of a net/http server, which also end if a client closes its side of the connection and waits for the answer. [New]
// ignores that end. A caller of Decide can ignore it by context.WithoutCancel.
func (d *Decider) Decide(r *http.Request) Decision {
	q := d.ask(r, false)
	defer q.free()
	q.reportShadows()
	decision := Decision{Outcome: q.outcome()}
	switch decision.Outcome {
	case Denied:
		decision.RetryAfter, decision.Denials = q.retryAfter(), q.denials()
		if d.onDenied != nil {
			d.onDenied(r, q.verdict())
		}
	case Unavailable:
		decision.RetryAfter = q.unavailableWait()
	}
	return decision
}

// add adds a rule for the limiter, with the defaults.
func (d *Decider) add(limiter algorithms.Limiter) *rule {
	r := &rule{decider: d, limiter: limiter, key: ClientIP(), timeout: defaultTimeout}
	d.rules = append(d.rules, r)
	return r
}

// check returns nil for a Decider that can work, or an error that names everything that is wrong. It names the first rule
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
	}
	complainOfShared(d.rules)
	for _, rule := range d.rules {
		wrong = append(wrong, rule.check()...)
	}
	return errors.Join(wrong...)
}

// invalid returns an error that wraps algorithms.ErrInvalidOption.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", algorithms.ErrInvalidOption, fmt.Sprintf(format, args...))
}

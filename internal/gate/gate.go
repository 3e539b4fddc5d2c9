// Package gate is what the middlewares are made of: rules, which say whom a limiter counts and what is
// done when it fails, and a Gate, which asks the limiters of those rules that apply to a request.
//
// A request is seen as an *http.Request also where it came by another protocol, so that one set of rules
// and key functions serves all.
package gate

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-weir/weir/algorithms"
)

// A Gate decides on requests by rules. It is safe for concurrent use once it is set up.
type Gate struct {
	Rules      []*Rule
	ChargeEach bool                         // ask and charge every limiter, even where another denies
	OnError    func(*http.Request, Failure) // nil: nobody is told
}

// A Failure is a question that a limiter did not answer, and what was done.
type Failure struct {
	Limiter string // the rule's name
	Err     error
	Policy  Policy
}

// Check returns nil for a gate that can work, else what is wrong with it, as errors that wrap
// algorithms.ErrInvalidOption. It names the first rule "default" if it has no name.
func (g *Gate) Check() error {
	if g.Rules[0].Name == "" {
		g.Rules[0].Name = "default"
	}
	var wrong []error
	named := map[string]bool{}
	for i, rule := range g.Rules {
		rule.Index = i
		switch {
		case rule.Name == "":
			rule.Complain("limiter %d has no name, want one for all but the first", i+1)
		case named[rule.Name]:
			rule.Complain("two limiters are named %q", rule.Name)
		}
		named[rule.Name] = true
		wrong = append(wrong, rule.check()...)
	}
	return errors.Join(wrong...)
}

// Invalid returns an error that wraps algorithms.ErrInvalidOption.
func Invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", algorithms.ErrInvalidOption, fmt.Sprintf(format, args...))
}

func (g *Gate) fail(r *http.Request, name string, err error, policy Policy) {
	if g.OnError != nil {
		g.OnError(r, Failure{name, err, policy})
	}
}

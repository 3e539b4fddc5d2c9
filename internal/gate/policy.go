package gate

import "github.com/go-weir/weir/algorithms"

// A Policy is what is done with a request when the limiter gives no answer.
type Policy struct {
	action  action
	limiter algorithms.Limiter
}

type action int

const (
	letPass action = iota
	refuse
	fallBack
)

// The policies that need no other limiter.
var (
	LetPass = Policy{action: letPass}
	Refuse  = Policy{action: refuse}
)

// FallBack returns the policy of asking another limiter.
func FallBack(limiter algorithms.Limiter) Policy { return Policy{fallBack, limiter} }

// String returns "let pass", "refuse" or "fall back".
func (p Policy) String() string { return [...]string{"let pass", "refuse", "fall back"}[p.action] }

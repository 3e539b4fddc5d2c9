package httplimit

import "github.com/go-weir/weir/algorithms"

// A Policy is what is done with a request when its limiter gives no answer: [LetPass], [Refuse] or
// [FallBack].
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
	LetPass = Policy{action: letPass} // as if the limiter had admitted it
	Refuse  = Policy{action: refuse}  // 503 Service Unavailable, and Retry-After: 1
)

// FallBack returns the policy of asking another limiter, with the same key and cost, and within the
// Timeout anew. Where that one gives no answer either, the request is refused.
//
// A limiter in this process does not know what the others admit: give each of n processes its Share.
func FallBack(limiter algorithms.Limiter) Policy { return Policy{fallBack, limiter} }

// String returns "let pass", "refuse" or "fall back".
func (p Policy) String() string { return [...]string{"let pass", "refuse", "fall back"}[p.action] }

// A Failure is a question that a limiter did not answer, and what was done.
type Failure struct {
	Limiter string // its Name
	Err     error
	Policy  Policy // what was done
}

package httplimit

import "github.com/go-weir/weir/algorithms"

// A Policy says what happens to a request if its limiter gives no answer: [LetPass], [Refuse] or [FallBack].
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
	LetPass = Policy{action: letPass} // the request goes on as if the limiter had admitted it
	Refuse  = Policy{action: refuse}  // the answer is 503 Service Unavailable, with Retry-After: 1
)

// FallBack returns the policy of asking another limiter, with the same key and cost, and with the [Timeout]
// anew. If that one gives no answer either, the request is refused.
//
// A limiter in this process doesn't know what other processes admit. Give each of n processes its part of
// the limit: see algorithms.Limit.Share.
func FallBack(limiter algorithms.Limiter) Policy { return Policy{fallBack, limiter} }

// String returns "let pass", "refuse" or "fall back".
func (p Policy) String() string { return [...]string{"let pass", "refuse", "fall back"}[p.action] }

// A Failure is a question that a limiter didn't answer, with the policy that was applied.
type Failure struct {
	Limiter string // its Name
	Err     error
	Policy  Policy // what was done
}

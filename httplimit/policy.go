package httplimit

import "github.com/go-weir/weir/algorithms"

// A Policy says what happens to a request if its limiter gives no answer: [Local], [LetPass], [Refuse] or [FallBack]. The
// zero Policy is Local.
//
// A limiter fails if its server is away or slow, but also if more requests come than this process can ask about in time. So
// a client that sends enough requests can make a limiter fail, and the policy then decides about the flood.
type Policy struct {
	action  action
	limiter algorithms.Limiter
}

type action int

const (
	local action = iota
	letPass
	refuse
	fallBack
)

// The policies that need no other limiter.
var (
	// Local asks a limiter of the same limit in this process: the one that the limiter's method Local returns. Around a
	// failure a key gets at most its limit from the server, and once more from each process. A flood gets no more than that.
	Local = Policy{action: local}

	// LetPass lets the request go on as if the limiter had admitted it. A flood passes unlimited once it is large enough
	// to make the limiter fail.
	LetPass = Policy{action: letPass}

	// Refuse answers 503 Service Unavailable, with Retry-After: 1. A flood refuses other clients too.
	Refuse = Policy{action: refuse}
)

// FallBack returns the policy of asking another limiter, with the same key and cost, for at most the [Timeout] again. If that
// limiter gives no answer either, the request is refused. A flood gets what that limiter admits.
//
// That limiter is asked about all requests, including those for which [LimitFunc] or [LimiterFunc] chooses a limit. If a
// request costs more than that limiter can ever admit, but no more than its own limiter can, it is refused with 503, as it may
// fit later.
//
// A limiter in this process doesn't know what other processes admit. Give each of n processes its part of
// the limit: see algorithms.Limit.Share.
func FallBack(limiter algorithms.Limiter) Policy { return Policy{fallBack, limiter} }

// String returns "local", "let pass", "refuse" or "fall back".
func (p Policy) String() string {
	return [...]string{"local", "let pass", "refuse", "fall back"}[p.action]
}

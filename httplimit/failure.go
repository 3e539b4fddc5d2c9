package httplimit

import (
	"net/http"

	"github.com/go-weir/weir/internal/ask"
	"github.com/go-weir/weir/internal/breaker"
	"github.com/go-weir/weir/internal/outage"
)

// ErrHung is the error of a request for which a limiter was not called, because 1,024 earlier calls were given up at their
// [Timeout] and have not returned yet. The function of [OnError] is called, and the policy decides.
var ErrHung = ask.ErrHung

// ErrAway is wrapped by the error of a request for which a limiter was not called, because the server behind it is away. That is
// so after five failures in a row, between which the server has answered nothing. The error wraps the last of these failures too.
// The function of [OnError] is called, and the policy decides. After a wait one request at a time calls the limiter again.
var ErrAway = breaker.ErrAway

// A Failure is a question that a limiter didn't answer, and the policy that was applied.
type Failure struct {
	Limiter string // its Name
	Err     error
	Policy  Policy // the policy that was applied; LetPass if the request passes in any case, as with ErrNotSettled
}

// tell reports a failure, to OnError or to a log.
func (d *Decider) tell(r *http.Request, log *outage.Log, f Failure) {
	if d.onError != nil {
		d.onError(r, f)
	}
	if d.onError != nil && d.logger == nil || isDenial(f.Err) {
		return
	}
	log.Failed(f.Err, func() []any { return []any{"limiter", f.Limiter, "policy", f.Policy.String()} })
}

// tellAnswer records that a limiter has answered.
func (d *Decider) tellAnswer(rule *rule) {
	rule.outage.Answered(func() []any { return []any{"limiter", rule.name} })
}
